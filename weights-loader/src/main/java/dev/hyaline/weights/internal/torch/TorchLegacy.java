package dev.hyaline.weights.internal.torch;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.torch.Pickled.Storage;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The form of {@code torch.save} before PyTorch 1.6: pickles of a magic number, a version, the machine's properties,
 * the object and its storages' keys, and then each storage: its number of elements, and these.
 */
final class TorchLegacy {
    private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
    private static final long VERSION = 1001;

    /** All pickles together; the values follow them. */
    private static final long MAX_PICKLES_LENGTH = 1 << 24;

    private TorchLegacy() {}

    static TorchFile open(MappedFile file, String name) {
        MemorySegment start = file.bytes().asSlice(0, Math.min(file.size(), MAX_PICKLES_LENGTH));
        ByteCursor pickles = new ByteCursor(file.label(), start);
        if (!MAGIC.equals(PickleReader.read(file.label(), pickles))) {
            throw file.bad("a file that torch.save wrote", "another Python pickle");
        }
        Object version = PickleReader.read(file.label(), pickles);
        if (!Long.valueOf(VERSION).equals(version)) {
            throw file.bad("torch.save's version " + VERSION, Pickled.kindOf(version));
        }
        Object machine = PickleReader.read(file.label(), pickles);
        if (!(machine instanceof Map<?, ?> properties) || !Boolean.TRUE.equals(properties.get("little_endian"))) {
            throw file.bad("values in little-endian order", "a file that does not say so");
        }
        Rebuilder rebuilder = new Rebuilder(file.label());
        Object root = PickleReader.read(file.label(), pickles, rebuilder);
        Object keys = PickleReader.read(file.label(), pickles);
        if (!(keys instanceof List<?> list)) {
            throw file.bad("a list of storages' keys", Pickled.kindOf(keys));
        }
        Map<String, MemorySegment> storages = locate(file, list, rebuilder.storages(), pickles.position());
        return new TorchFile(file, name, root, storage -> Objects.requireNonNull(storages.get(storage.key())));
    }

    /** Locates the storages, which follow each other in the order of the keys. */
    private static Map<String, MemorySegment> locate(
            MappedFile file, List<?> keys, Map<String, Storage> named, long begin) {
        // Sorted by name, so that a hostile file's names of one hash code are still found fast.
        Map<String, MemorySegment> located = new HashMap<>();
        ByteCursor cursor = new ByteCursor(file.label(), file.bytes()).at(begin);
        for (Object key : keys) {
            Storage storage = key instanceof String text ? named.get(text) : null;
            if (storage == null) {
                throw file.bad("a list of the storages that tensors name", Pickled.kindOf(key));
            }
            long elements = cursor.size();
            if (elements != storage.elements()) {
                throw file.bad(
                        storage.elements() + " elements in storage " + Printable.quoted(storage.key()),
                        elements + " elements");
            }
            if (located.put(storage.key(), cursor.slice(storage.bytes())) != null) {
                throw file.bad("each storage once", Printable.quoted(storage.key()) + " twice");
            }
        }
        if (located.size() < named.size()) {
            throw file.bad(named.size() + " storages", located.size() + " of them");
        }
        return located;
    }
}
