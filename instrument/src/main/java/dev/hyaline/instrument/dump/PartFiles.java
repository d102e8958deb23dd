package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.Digests;
import dev.hyaline.files.FileLayout;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.internal.DumpErrors;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The folder of a planned dump, as any number of processes on any number of machines fill it. A shard is written under
 * a hidden name of its attempt, synced and published; then its JSON appears beside it, and with that it is done. No
 * lock is needed: whoever writes a shard writes the same bytes. Thread-safe.
 */
final class PartFiles implements ShardFiles, AutoCloseable {
    /** Names the layout of the JSON beside a shard. */
    private static final String FORMAT = "hyaline-part/1";

    private static final int MAX_JSON = 1 << 16;
    private static final Pattern ATTEMPT =
            Pattern.compile("\\.(activations-\\d{5,}\\.safetensors(\\.json)?\\.|(plan|manifest)\\.json\\.attempt-).+");

    /**
     * A shard that is done.
     *
     * @param host the machine that wrote it
     */
    private record Done(Shard shard, String host) {}

    private final PartStore store;
    private final ShardPlan plan;
    private final String planSha256;
    private final UnaryOperator<FileChannel> disk;
    private final String attempt = "attempt-" + UUID.randomUUID();
    private final String host = hostName();
    private final Map<String, FileChannel> open = new HashMap<>();

    /** @param disk wraps the shards' channels, so that tests can make them fail */
    PartFiles(PartStore store, ShardPlan plan, String planSha256, UnaryOperator<FileChannel> disk) {
        this.store = store;
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
        return store.scratch().resolve("." + name + "." + attempt);
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
            store.publish(written, shard.file());
        } catch (NoSuchFileException e) {
            // The dump was finished with another's shard, and what was left over removed.
            if (!isDoneAlready(shard)) {
                throw e;
            }
            return;
        }
        Files.deleteIfExists(written);
        writeJson(shard);
    }

    /** @throws HyalineException if another process has written the shard otherwise */
    private boolean isDoneAlready(Shard mine) throws IOException {
        Optional<Done> other = done(mine.file());
        if (other.isPresent() && !other.get().shard().equals(mine)) {
            throw new HyalineException(store.name(mine.file()) + " was written on "
                    + other.get().host()
                    + " with SHA-256 " + other.get().shard().sha256() + " and on " + Printable.plain(host) + " with "
                    + mine.sha256() + ", although the same plan gives the same bytes: one of the two machines is at"
                    + " fault; delete the shard and its JSON, and write it on a third");
        }
        return other.isPresent();
    }

    private void writeJson(Shard shard) throws IOException {
        byte[] content = JsonText.indented(out -> {
            out.writeStartObject();
            out.writeStringProperty("format", FORMAT);
            out.writeStringProperty("plan", planSha256);
            out.writeName("shard");
            shard.write(out);
            out.writeStringProperty("host", host);
            out.writeEndObject();
        });
        String json = jsonName(shard.file());
        Path written = written(json, content);
        // Of two writers at once, the later one compares its checksum.
        if (!store.publishNew(written, json) && !isDoneAlready(shard)) {
            store.publish(written, json);
        }
        Files.deleteIfExists(written);
    }

    /**
     * A shard that is done: its JSON is there, and it has the size that this says.
     *
     * @throws FileException if the JSON is of another plan, or damaged
     */
    Optional<Shard> done(long index) throws IOException {
        return done(ShardPlan.fileName(index)).map(Done::shard).map(shard -> {
            if (shard.rows() != plan.rows(index) || !plan.canHave(index, shard.bytes())) {
                throw FileException.corrupt(
                        store.name(jsonName(shard.file())),
                        plan.rows(index) + " rows in " + plan.bytes(index) + " bytes, as planned",
                        shard.rows() + " rows in " + shard.bytes() + " bytes");
            }
            return shard;
        });
    }

    private Optional<Done> done(String name) throws IOException {
        String file = jsonName(name);
        if (store.size(file).isEmpty()) {
            return Optional.empty();
        }
        Json json = Json.readObject(DumpErrors.INSTANCE, store.name(file), read(store, file, MAX_JSON));
        PlanJson.requireKeys(json, "format", "plan", "shard", "host");
        if (!json.require("format").string().equals(FORMAT)) {
            throw json.require("format").expected("\"" + FORMAT + "\"");
        }
        String of = PlanJson.sha256(json.require("plan"));
        if (!of.equals(planSha256)) {
            throw FileException.occupied(
                    store.name(name),
                    "is a part of another plan, whose SHA-256 is " + of + " and not " + planSha256
                            + "; move it and its JSON elsewhere, or put the plan that it was made by back");
        }
        Shard shard = Shard.of(json.require("shard"));
        PlanJson.sha256(json.require("shard").require("sha256"));
        if (!shard.file().equals(name)) {
            throw json.require("shard").require("file").expected("\"" + name + "\"");
        }
        OptionalLong there = store.size(name);
        boolean whole = there.isPresent() && there.getAsLong() == shard.bytes();
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
    void verify(Shard shard, long index) {
        String name = store.name(shard.file());
        try (InputStream in = store.open(shard.file())) {
            String found = Digests.hex(Digests.sha256(), in);
            if (!found.equals(shard.sha256())) {
                throw FileException.corrupt(
                        name,
                        "SHA-256 " + shard.sha256(),
                        found + "; delete it, and write shard " + index + " again (" + Remedy.FINISH_PARTS + ")");
            }
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /** Reads a whole file of a store. */
    static byte[] read(PartStore store, String file, int limit) {
        try (InputStream in = store.open(file)) {
            byte[] content = in.readNBytes(limit);
            if (in.read() >= 0) {
                throw FileException.corrupt(store.name(file), "at most " + limit + " bytes", "more");
            }
            return content;
        } catch (IOException e) {
            throw FileException.reading(store.name(file), e);
        }
    }

    /** Writes a whole file, and publishes it. */
    void write(String file, byte[] content) throws IOException {
        Path written = written(file, content);
        store.publish(written, file);
        Files.deleteIfExists(written);
    }

    /** Writes a whole file that is yet to be published. */
    private Path written(String file, byte[] content) throws IOException {
        Path written = attempt(file);
        try (FileChannel channel = FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            FileLayout.writeFully(channel, ByteBuffer.wrap(content), 0);
            channel.force(true);
        }
        return written;
    }

    /** Removes what attempts left that were killed. */
    void removeAttempts() throws IOException {
        store.removeAttempts(name -> ATTEMPT.matcher(name).matches());
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
