package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.Digests;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * A corpus in files with one document a line: text or JSON Lines, plain or compressed with gzip or zstd ({@code .gz},
 * {@code .zst}), or Parquet ({@code .parquet}), each of whose rows is read as a line of JSON. Its documents are those
 * of the first file, then those of the next one. Unlike any other corpus it can be read from the middle, as the parts
 * of a {@link DumpPlan} do. zstd and Parquet need the module {@code hyaline-corpora}, files that are not in this
 * machine's file system {@link RemoteFiles}.
 *
 * @param names of the files, as the file system takes them
 */
public record CorpusFiles(List<String> names, LineParser parser) implements Corpus {
    /** A split is at least so long, so that the plan stays small beside the corpus. */
    private static final int MIN_SPLIT = 1 << 20;

    private static final int MAX_SPLIT = 1 << 26;
    private static final long MAX_SPLITS = 1 << 16;

    public CorpusFiles {
        names = List.copyOf(names);
        if (names.isEmpty()) {
            throw new BadInputException("a corpus in files needs at least one file");
        }
    }

    /**
     * The files that a name stands for: those of a folder, at any depth, whose names end as a corpus's do; those that
     * match a pattern such as <code>data/*.parquet</code>; or the file of that name. Sorted by name.
     *
     * @throws BadInputException if there is none, or the folder was saved by the {@code datasets} library, or the name
     *     or pattern is none
     */
    public static List<String> expand(String name) {
        return InputNames.expand(name);
    }

    /**
     * Returns whether a name is that of a file that is not in this machine's file system.
     *
     * @throws BadInputException if no {@link RemoteFiles} has files whose names begin so
     */
    public static boolean isRemote(String name) {
        return InputFile.remote(name).isPresent();
    }

    /** Returns whether a file's lines are JSON, by its name. */
    public static boolean isJsonLines(String name) {
        return InputFormat.isJsonLines(name);
    }

    /**
     * Opens the lines of a file: its text, decompressed if it is compressed, or its records as JSON Lines.
     *
     * @throws FileException if it cannot be opened; what is found later, reading throws as an {@link IOException}
     */
    public static InputStream open(String name) {
        return LineChunks.text(name);
    }

    @Override
    public Stream<Document> documents() {
        return stream(new Chunks() {
            private int file = -1;
            private long lines;
            private @Nullable LineChunks open;

            @Override
            public Optional<Chunk> next() {
                while (true) {
                    if (open == null) {
                        if (file + 1 == names.size()) {
                            return Optional.empty();
                        }
                        file++;
                        open = LineChunks.open(names.get(file), 0, 0);
                        lines = 0;
                    }
                    Optional<byte[]> read = open.next(MIN_SPLIT);
                    if (read.isPresent()) {
                        Chunk chunk = new Chunk(names.get(file), lines, read.get());
                        lines += chunk.lines();
                        return Optional.of(chunk);
                    }
                    close();
                    open = null;
                }
            }

            @Override
            public void close() {
                if (open != null) {
                    open.close();
                }
            }
        });
    }

    /**
     * The documents from a split on.
     *
     * @throws BadInputException while the stream is read, if a file is not what it was when it was planned
     */
    Stream<Document> documents(PlannedCorpus planned, int first) {
        return stream(new Chunks() {
            private int next = first;
            private @Nullable LineChunks open;

            @Override
            public Optional<Chunk> next() {
                if (next == planned.splits().size()) {
                    return Optional.empty();
                }
                PlannedSplit split = planned.splits().get(next++);
                PlannedFile file = planned.files().get(split.file());
                if (open == null || split.offset() == 0) {
                    close();
                    requireSize(file);
                    open = LineChunks.open(file.name(), split.offset(), split.lines());
                }
                byte[] text = open.exactly(split.bytes());
                if (!Digests.sha256(text).equals(split.sha256())) {
                    throw new BadInputException(file.name() + " is not what it was when the dump was planned: its text"
                            + " has changed in the " + split.bytes() + " bytes from byte " + split.offset() + " on");
                }
                return Optional.of(new Chunk(file.name(), split.lines(), text));
            }

            @Override
            public void close() {
                if (open != null) {
                    open.close();
                }
            }
        });
    }

    private static void requireSize(PlannedFile file) {
        try {
            long size = new InputFile(file.name()).size();
            if (size != file.bytes()) {
                throw new BadInputException(file.name() + " is not what it was when the dump was planned: expected "
                        + file.bytes() + " bytes, found " + size);
            }
        } catch (IOException e) {
            throw FileException.reading(file.name(), e);
        }
    }

    /** Lines of a file. */
    private record Chunk(String file, long linesBefore, byte[] text) {
        long lines() {
            long lines = text[text.length - 1] == '\n' ? 0 : 1;
            for (byte b : text) {
                lines += b == '\n' ? 1 : 0;
            }
            return lines;
        }
    }

    private interface Chunks {
        Optional<Chunk> next();

        void close();
    }

    private Stream<Document> stream(Chunks chunks) {
        Iterator<Document> documents = new Iterator<>() {
            private Iterator<Document> chunk = List.<Document>of().iterator();

            @Override
            public boolean hasNext() {
                while (!chunk.hasNext()) {
                    Optional<Chunk> next = chunks.next();
                    if (next.isEmpty()) {
                        return false;
                    }
                    chunk = new Lines(next.get());
                }
                return true;
            }

            @Override
            public Document next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return chunk.next();
            }
        };
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(documents, Spliterator.ORDERED), false)
                .onClose(chunks::close);
    }

    /** The documents of some lines. */
    private final class Lines implements Iterator<Document> {
        private final Chunk chunk;
        private long line;
        private int at;
        private @Nullable Document next;

        Lines(Chunk chunk) {
            this.chunk = chunk;
            line = chunk.linesBefore();
        }

        @Override
        public boolean hasNext() {
            byte[] text = chunk.text();
            while (next == null && at < text.length) {
                int end = at;
                while (end < text.length && text[end] != '\n') {
                    end++;
                }
                byte[] content = Arrays.copyOfRange(text, at, end);
                line++;
                at = end + 1;
                next = parser.document(chunk.file(), line, content).orElse(null);
            }
            return next != null;
        }

        @Override
        public Document next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Document document = Objects.requireNonNull(next);
            next = null;
            return document;
        }
    }

    /** What is known of a split while it is being counted. */
    private record Pending(int file, long offset, int bytes, String sha256, long lines, Future<CorpusCounts> counts) {}

    /**
     * Cuts the files into splits and counts these, several at a time. The result does not depend on how many.
     *
     * @param count counts documents
     * @param least bytes of a split, {@link #splitBytes} but in tests
     * @param progress told how many more tokens were read
     */
    PlannedCorpus count(Function<Corpus, CorpusCounts> count, int least, int threads, LongConsumer progress) {
        List<PlannedFile> files = new ArrayList<>();
        List<PlannedSplit> splits = new ArrayList<>();
        CorpusCounts totals = CorpusCounts.NONE;
        Deque<Pending> pending = new ArrayDeque<>();
        ExecutorService pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("hyaline-plan-", 0).daemon().factory());
        try {
            for (String name : names) {
                try (LineChunks chunks = LineChunks.open(name)) {
                    long offset = 0;
                    long lines = 0;
                    for (Optional<byte[]> read = chunks.next(least); read.isPresent(); read = chunks.next(least)) {
                        Chunk chunk = new Chunk(name, lines, read.get());
                        Corpus inChunk = () -> StreamSupport.stream(
                                Spliterators.spliteratorUnknownSize(new Lines(chunk), Spliterator.ORDERED), false);
                        int length = chunk.text().length;
                        pending.add(new Pending(
                                files.size(),
                                offset,
                                length,
                                Digests.sha256(chunk.text()),
                                lines,
                                pool.submit(() -> count.apply(inChunk))));
                        offset += length;
                        lines += chunk.lines();
                        // No more splits are in memory than are being counted.
                        while (pending.size() > threads) {
                            totals = take(pending.remove(), totals, splits, progress);
                        }
                    }
                    files.add(chunks.file());
                }
            }
            while (!pending.isEmpty()) {
                totals = take(pending.remove(), totals, splits, progress);
            }
        } finally {
            pool.shutdownNow();
        }
        requireDocuments(splits, totals.documents());
        return new PlannedCorpus(files, splits, totals);
    }

    /** Checks that no file is without a document. */
    private void requireDocuments(List<PlannedSplit> splits, long total) {
        long[] documents = new long[names.size()];
        for (int s = 0; s < splits.size(); s++) {
            long end = s + 1 < splits.size() ? splits.get(s + 1).before().documents() : total;
            documents[splits.get(s).file()] += end - splits.get(s).before().documents();
        }
        for (int f = 0; f < documents.length; f++) {
            if (documents[f] == 0) {
                throw new BadInputException(names.get(f) + " holds no document");
            }
        }
    }

    /** Least bytes of a split, a function of the files alone. */
    int splitBytes() {
        long bytes = 0;
        for (String name : names) {
            try {
                bytes = Math.addExact(bytes, new InputFile(name).size());
            } catch (IOException e) {
                throw FileException.reading(name, e);
            }
        }
        return Math.clamp(bytes / MAX_SPLITS, MIN_SPLIT, MAX_SPLIT);
    }

    private static CorpusCounts take(
            Pending counted, CorpusCounts before, List<PlannedSplit> splits, LongConsumer progress) {
        try {
            CorpusCounts counts = counted.counts().get();
            splits.add(new PlannedSplit(
                    counted.file(), counted.offset(), counted.bytes(), counted.sha256(), counted.lines(), before));
            progress.accept(counts.tokens());
            return before.plus(counts);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HyalineException("the planning of a dump was interrupted");
        } catch (ExecutionException e) {
            Throwable failure = e.getCause();
            if (failure instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            if (failure instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(failure);
        }
    }
}
