package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.files.MappedMemory;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.DumpErrors;
import dev.hyaline.instrument.internal.FileTypes;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The activations of a {@link CorpusDump}, read from its memory-mapped shards: made for training on them. Rows of all
 * shards are numbered through from 0, by document and then by position. Values are widened to float.
 *
 * <p>To train on shuffled rows, without garbage and whatever their number:
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/dump/ActivationStoreTest.java" region="shuffled"}
 *
 * <p>Thread-safe until it is closed; not after.
 */
public final class ActivationStore implements AutoCloseable {
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The offset of a tensor in all shards but the last, and in the last. */
    private record Column(TensorInfo tensor, int width, long offset, long lastOffset) {}

    private final Path folder;
    private final ShardPlan plan;
    private final List<Shard> shards;
    private final long documents;
    private final List<Provenance.ModelFile> modelFiles;
    private final List<ProcessingStep> processing;
    private final IndexSelection heads;
    private final IndexSelection neurons;
    private final Map<HookPoint, Column> columns = new LinkedHashMap<>();
    private final Map<String, Column> derived = new LinkedHashMap<>();
    private final Column tokens;
    private final Column positions;
    private final Column documentOfRow;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment[] mapped;

    private ActivationStore(Path folder, StoreManifest manifest) {
        this.folder = folder;
        this.plan = manifest.plan();
        this.shards = manifest.shards();
        this.documents = manifest.documents();
        this.modelFiles = manifest.modelFiles();
        this.processing = manifest.processing();
        this.heads = manifest.heads();
        this.neurons = manifest.neurons();
        SafetensorsLayout layout = plan.layout(0);
        SafetensorsLayout last = plan.layout(plan.shards() - 1);
        List<TensorInfo> tensors = plan.tensors();
        for (int i = 0; i < manifest.points().size(); i++) {
            columns.put(manifest.points().get(i), column(tensors.get(i), layout, last));
        }
        int info = tensors.size() - ShardPlan.ROW_INFO;
        for (TensorInfo tensor : tensors.subList(manifest.points().size(), info)) {
            derived.put(tensor.name(), column(tensor, layout, last));
        }
        tokens = column(tensors.get(info), layout, last);
        positions = column(tensors.get(info + 1), layout, last);
        documentOfRow = column(tensors.get(info + 2), layout, last);
        mapped = new MemorySegment[shards.size()];
    }

    private static Column column(TensorInfo tensor, SafetensorsLayout layout, SafetensorsLayout last) {
        return new Column(
                tensor, (int) tensor.elements(), layout.dataOffset(tensor.name()), last.dataOffset(tensor.name()));
    }

    /**
     * Opens a dump. Every shard's size and header are checked against the manifest before it is mapped; its values only
     * by {@link #verify}.
     *
     * @throws FileException if a file is missing or is not what the manifest says
     */
    public static ActivationStore open(Path folder) {
        StoreManifest manifest = StoreManifest.read(folder);
        ActivationStore store;
        try {
            store = new ActivationStore(folder, manifest);
        } catch (ArithmeticException e) {
            throw FileException.corrupt(
                    folder.resolve(DumpFolder.MANIFEST), "shards whose size fits 63 bits", "larger");
        }
        try {
            for (int s = 0; s < store.mapped.length; s++) {
                store.mapped[s] = store.map(s);
            }
            return store;
        } catch (HyalineException e) {
            store.close();
            throw e;
        }
    }

    private MemorySegment map(int s) {
        Path file = folder.resolve(ShardPlan.fileName(s));
        SafetensorsLayout layout = plan.layout(s);
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            if (input.size() != layout.fileBytes()) {
                throw FileException.corrupt(file, layout.fileBytes() + " bytes", input.size() + " bytes");
            }
            if (!Arrays.equals(input.read(0, layout.head().length), layout.head())) {
                throw FileException.corrupt(file, "the header of the tensors in " + DumpFolder.MANIFEST, "another");
            }
            return input.map(0, layout.fileBytes(), arena);
        }
    }

    /**
     * Reads every shard through and compares its checksum with the manifest's.
     *
     * @throws FileException naming the first shard that differs
     */
    public void verify() {
        for (Shard shard : shards) {
            Path file = folder.resolve(shard.file());
            try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
                String found = Digests.sha256(input);
                if (!found.equals(shard.sha256())) {
                    throw FileException.corrupt(file, "SHA-256 " + shard.sha256(), found);
                }
            }
        }
    }

    /** What was done to the weights of the model whose activations these are. */
    public List<ProcessingStep> processing() {
        return processing;
    }

    /** SHA-256 of each shard, as the manifest has it, in hexadecimal. */
    public List<String> checksums() {
        return shards.stream().map(Shard::sha256).toList();
    }

    /** The files of the model that the dump was made with, as far as its maker named them. */
    public List<Provenance.ModelFile> modelFiles() {
        return modelFiles;
    }

    /**
     * The store as interventions read it: its documents are the sequences. The store must stay open.
     *
     * @throws BadInputException if it holds only some heads or neurons of its points
     */
    public ActivationSource source() {
        return new RecordedStore(this);
    }

    /** The hook points, in the order in which a pass reaches them. */
    public List<HookPoint> points() {
        return List.copyOf(columns.keySet());
    }

    /** The sites that were computed from hook points, by name. */
    public List<String> derivedSites() {
        return List.copyOf(derived.keySet());
    }

    /** Values a row of a derived site. */
    public int width(String derivedSite) {
        return derived(derivedSite).width;
    }

    private Column derived(String name) {
        Column column = derived.get(name);
        if (column == null) {
            throw new BadInputException(
                    "there is no " + name + " in the dump; its derived sites are " + derivedSites());
        }
        return column;
    }

    /** The heads that a row has at sites with heads, ascending. */
    public IndexSelection heads() {
        return heads;
    }

    /** The neurons that a row has at {@code mlp.pre} and {@code mlp.post}, ascending. */
    public IndexSelection neurons() {
        return neurons;
    }

    /** Values a row of a point. */
    public int width(HookPoint point) {
        return column(point).width;
    }

    /** Shape of a row of a point, such as {@code [nHeads, dHead]}. */
    public List<Long> rowShape(HookPoint point) {
        return column(point).tensor.shape();
    }

    /** The type of the values on disk. */
    public ElementType type() {
        return columns.values().iterator().next().tensor.type();
    }

    public long rows() {
        return plan.rows();
    }

    /** Documents of the corpus, those without a row included. */
    public long documents() {
        return documents;
    }

    /** Token id of a row. */
    public int token(long row) {
        return index(tokens, row);
    }

    /** Index of a row's token in its document. */
    public int position(long row) {
        return index(positions, row);
    }

    /** Index of a row's document in the corpus. */
    public long document(long row) {
        return info(documentOfRow, row);
    }

    /** A row's token or position, which a stranger's file may have as anything. */
    private int index(Column column, long row) {
        long value = info(column, row);
        if (value < 0 || value == Integer.MAX_VALUE || value != (int) value) {
            throw FileException.corrupt(
                    folder.resolve(ShardPlan.fileName(row / plan.rowsPerShard())),
                    column.tensor.name() + " from 0 to " + (Integer.MAX_VALUE - 1),
                    value + " in row " + row);
        }
        return (int) value;
    }

    private long info(Column column, long row) {
        requireRow(row);
        int shard = (int) (row / plan.rowsPerShard());
        try {
            long value = mapped[shard].get(I64, offset(column, shard, row % plan.rowsPerShard()));
            MappedMemory.requireWhole();
            return value;
        } catch (InternalError e) {
            throw cutShort();
        }
    }

    /** Row of the token at a position of a document; empty if it has none. */
    public OptionalLong row(long document, int position) {
        long row = lowerBound(document, position);
        return row < rows() && document(row) == document && position(row) == position
                ? OptionalLong.of(row)
                : OptionalLong.empty();
    }

    /**
     * The first row of a document, or of the next one that has any; {@link #rows} behind the last. A document's rows
     * end at {@code firstRow(document + 1)}.
     */
    public long firstRow(long document) {
        return lowerBound(document, 0);
    }

    /** The first row that is not before a position of a document. */
    private long lowerBound(long document, int position) {
        long low = 0;
        long high = rows();
        while (low < high) {
            long middle = (low + high) >>> 1;
            long found = document(middle);
            if (found < document || (found == document && position(middle) < position)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * Reads rows that follow one another, {@code [count, width]}.
     *
     * @throws BadInputException if there are no such rows, or the point was not dumped
     */
    public void read(HookPoint point, long firstRow, int count, float[] into, int offset) {
        read(column(point), firstRow, count, into, offset);
    }

    /**
     * As {@link #read(HookPoint, long, int, float[], int)}, of a derived site.
     *
     * @throws BadInputException if there are no such rows, or no such site
     */
    public void read(String derivedSite, long firstRow, int count, float[] into, int offset) {
        read(derived(derivedSite), firstRow, count, into, offset);
    }

    private void read(Column column, long firstRow, int count, float[] into, int offset) {
        if (count < 0 || firstRow < 0 || firstRow > rows() - count) {
            throw new BadInputException(
                    "rows run from 0 to " + (rows() - 1) + ", found " + count + " from " + firstRow);
        }
        requireFits(column, count, into, offset);
        try {
            for (int done = 0; done < count; ) {
                long row = firstRow + done;
                int shard = (int) (row / plan.rowsPerShard());
                long within = row % plan.rowsPerShard();
                int length = (int) Math.min(count - done, plan.rows(shard) - within);
                get(column, shard, within, length, into, offset + done * column.width);
                done += length;
            }
            MappedMemory.requireWhole();
        } catch (InternalError e) {
            throw cutShort();
        }
    }

    /**
     * Reads chosen rows in the order given, {@code [count, width]}.
     *
     * @param rows the first {@code count} are read
     * @throws BadInputException if there is no such row, or the point was not dumped
     */
    public void read(HookPoint point, long[] rows, int count, float[] into) {
        Column column = column(point);
        requireFits(column, count, into, 0);
        if (count > rows.length) {
            throw new BadInputException(count + " rows were asked for, but " + rows.length + " are named");
        }
        try {
            for (int i = 0; i < count; i++) {
                requireRow(rows[i]);
                int shard = (int) (rows[i] / plan.rowsPerShard());
                get(column, shard, rows[i] % plan.rowsPerShard(), 1, into, i * column.width);
            }
            MappedMemory.requireWhole();
        } catch (InternalError e) {
            throw cutShort();
        }
    }

    private void get(Column column, int shard, long within, int count, float[] into, int offset) {
        FloatCodec.get(
                mapped[shard],
                offset(column, shard, within),
                FileTypes.of(column.tensor.type()),
                into,
                offset,
                count * column.width);
    }

    /** What it means when memory is gone that was mapped: the {@code InternalError} is how the JVM reports it. */
    private FileException cutShort() {
        Path cut = folder;
        for (int s = mapped.length - 1; s >= 0; s--) {
            Path file = folder.resolve(ShardPlan.fileName(s));
            try {
                if (Files.size(file) < mapped[s].byteSize()) {
                    cut = file;
                }
            } catch (IOException e) {
                // Deleted: mapped memory outlives that.
            }
        }
        return FileException.corrupt(cut, "a file that stays whole while it is open", "one cut short");
    }

    private long offset(Column column, int shard, long within) {
        long begin = shard == mapped.length - 1 ? column.lastOffset : column.offset;
        return begin + within * column.tensor.bytes();
    }

    /** Every row as it lies: document by document. */
    public RowOrder inOrder() {
        return RowOrder.asTheyLie(rows());
    }

    /** Every row once, in an order that depends on the seed and the number of rows alone. */
    public RowOrder shuffled(long seed) {
        return RowOrder.shuffled(rows(), seed);
    }

    private Column column(HookPoint point) {
        Column column = columns.get(point);
        if (column == null) {
            throw new BadInputException(point + " was not dumped; there are " + points());
        }
        return column;
    }

    private void requireRow(long row) {
        if (row < 0 || row >= plan.rows()) {
            throw new BadInputException("rows run from 0 to " + (plan.rows() - 1) + ", found " + row);
        }
    }

    private static void requireFits(Column column, int count, float[] into, int offset) {
        if (count < 0 || offset < 0 || (long) count * column.width > into.length - offset) {
            throw new BadInputException(count + " rows of " + column.width + " values do not fit an array of "
                    + into.length + " from " + offset + " on");
        }
    }

    /** Unmaps the shards. */
    @Override
    public void close() {
        arena.close();
    }

    @Override
    public String toString() {
        return folder + ": " + rows() + " rows of "
                + Printable.listed(
                        columns.keySet().stream().map(HookPoint::name).toList());
    }
}
