package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Disk;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.internal.DumpErrors;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder of a planned dump, as any number of processes on any number of machines fill it. A shard is written under
 * a hidden name of its attempt, synced and renamed; then its JSON appears beside it, and with that it is done. No lock
 * is needed: whoever writes a shard writes the same bytes. Thread-safe.
 */
final class PartFiles implements ShardFiles, AutoCloseable {
    /** Names the layout of the JSON beside a shard. */
    private static final String FORMAT = "hyaline-part/1";

    private static final int MAX_JSON = 1 << 16;
    private static final Pattern ATTEMPT = Pattern.compile("\\.activations-\\d{5,}\\.safetensors(\\.json)?\\..+");

    /**
     * A shard that is done.
     *
     * @param host the machine that wrote it
     */
    private record Done(Shard shard, String host) {}

    private final Path folder;
    private final ShardPlan plan;
    private final String planSha256;
    private final UnaryOperator<FileChannel> disk;
    private final String attempt = "attempt-" + UUID.randomUUID();
    private final String host = hostName();
    private final Map<String, FileChannel> open = new HashMap<>();

    /** @param disk wraps the shards' channels, so that tests can make them fail */
    PartFiles(Path folder, ShardPlan plan, String planSha256, UnaryOperator<FileChannel> disk) {
        this.folder = folder;
        this.plan = plan;
        this.planSha256 = planSha256;
        this.disk = disk;
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "a machine without a name";
        }
    }

    private Path attempt(String name) {
        return folder.resolve("." + name + "." + attempt);
    }

    static String jsonName(String shard) {
        return shard + ".json";
    }

    @Override
    public synchronized FileChannel begin(String name) throws IOException {
        FileChannel channel = disk.apply(FileChannel.open(
                attempt(name), StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
        open.put(name, channel);
        return channel;
    }

    @Override
    public synchronized void complete(Shard shard) throws IOException {
        Objects.requireNonNull(open.remove(shard.file())).close();
        Path written = attempt(shard.file());
        if (isDoneAlready(shard)) {
            Files.deleteIfExists(written);
            return;
        }
        try {
            Files.move(
                    written,
                    folder.resolve(shard.file()),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (NoSuchFileException e) {
            // The dump was finished with another's shard, and what was left over removed.
            if (!isDoneAlready(shard)) {
                throw e;
            }
            return;
        }
        Disk.sync(folder);
        writeJson(shard);
    }

    /** @throws HyalineException if another process has written the shard otherwise */
    private boolean isDoneAlready(Shard mine) {
        Optional<Done> other = done(mine.file());
        if (other.isPresent() && !other.get().shard().equals(mine)) {
            throw new HyalineException(folder.resolve(mine.file()) + " was written on "
                    + other.get().host()
                    + " with SHA-256 " + other.get().shard().sha256() + " and on " + Printable.plain(host) + " with "
                    + mine.sha256() + ", although the same plan gives the same bytes: one of the two machines is at"
                    + " fault; delete the shard and its JSON, and write it on a third");
        }
        return other.isPresent();
    }

    private void writeJson(Shard shard) throws IOException {
        byte[] json = JsonText.indented(out -> {
            out.writeStartObject();
            out.writeStringProperty("format", FORMAT);
            out.writeStringProperty("plan", planSha256);
            out.writeName("shard");
            shard.write(out);
            out.writeStringProperty("host", host);
            out.writeEndObject();
        });
        Path written = attempt(jsonName(shard.file()));
        try (FileChannel channel = FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            FileLayout.writeFully(channel, ByteBuffer.wrap(json), 0);
            channel.force(true);
        }
        Path target = folder.resolve(jsonName(shard.file()));
        try {
            // A link, unlike a move, never replaces: of two writers at once, the later one compares its checksum.
            Files.createLink(target, written);
        } catch (FileAlreadyExistsException e) {
            if (!isDoneAlready(shard)) {
                Files.move(written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (UnsupportedOperationException | IOException e) {
            // A file system without links.
            Files.move(written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.deleteIfExists(written);
        Disk.sync(folder);
    }

    /**
     * A shard that is done: its JSON is there, and it has the size that this says.
     *
     * @throws FileException if the JSON is of another plan, or damaged
     */
    Optional<Shard> done(long index) {
        return done(ShardPlan.fileName(index)).map(Done::shard).map(shard -> {
            if (shard.rows() != plan.rows(index)
                    || shard.bytes() != plan.layout(index).fileBytes()) {
                throw FileException.corrupt(
                        folder.resolve(jsonName(shard.file())),
                        plan.rows(index) + " rows in " + plan.layout(index).fileBytes() + " bytes, as planned",
                        shard.rows() + " rows in " + shard.bytes() + " bytes");
            }
            return shard;
        });
    }

    private Optional<Done> done(String name) {
        Path file = folder.resolve(jsonName(name));
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Json json;
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            json = Json.readObject(DumpErrors.INSTANCE, input.label(), input.readAll(MAX_JSON));
        }
        PlanJson.requireKeys(json, "format", "plan", "shard", "host");
        if (!json.require("format").string().equals(FORMAT)) {
            throw json.require("format").expected("\"" + FORMAT + "\"");
        }
        String of = PlanJson.sha256(json.require("plan"));
        if (!of.equals(planSha256)) {
            throw FileException.occupied(
                    folder.resolve(name),
                    "is a part of another plan, whose SHA-256 is " + of + " and not " + planSha256
                            + "; move it and its JSON elsewhere, or put the plan that it was made by back");
        }
        Shard shard = Shard.of(json.require("shard"));
        PlanJson.sha256(json.require("shard").require("sha256"));
        if (!shard.file().equals(name)) {
            throw json.require("shard").require("file").expected("\"" + name + "\"");
        }
        Path written = folder.resolve(name);
        boolean whole = Files.isRegularFile(written) && written.toFile().length() == shard.bytes();
        return whole
                ? Optional.of(
                        new Done(shard, Printable.plain(json.require("host").string())))
                : Optional.empty();
    }

    /**
     * Compares a shard with its checksum.
     *
     * @throws FileException if it differs
     */
    void verify(Shard shard) {
        Path file = folder.resolve(shard.file());
        try (FileInput input = FileInput.open(file, DumpErrors.INSTANCE)) {
            String found = Digests.sha256(input);
            if (!found.equals(shard.sha256())) {
                throw FileException.corrupt(
                        file, "SHA-256 " + shard.sha256(), found + "; delete it, and write its part again");
            }
        }
    }

    /** Removes what attempts left that were killed. */
    static void removeAttempts(Path folder) throws IOException {
        List<Path> left;
        try (Stream<Path> files = Files.list(folder)) {
            left = files.filter(file ->
                            ATTEMPT.matcher(file.getFileName().toString()).matches())
                    .toList();
        }
        for (Path file : left) {
            Files.deleteIfExists(file);
        }
    }

    /** Gives up what is not complete. */
    @Override
    public synchronized void close() throws IOException {
        for (Map.Entry<String, FileChannel> entry : open.entrySet()) {
            entry.getValue().close();
            Files.deleteIfExists(attempt(entry.getKey()));
        }
        open.clear();
    }
}
