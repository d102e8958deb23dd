package dev.hyaline.weights.internal.torch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The form of {@code torch.save} since PyTorch 1.6: a zip archive of {@code data.pkl} and a file for each storage. */
final class TorchZip {
    private static final String PICKLE = "/data.pkl";
    private static final long MAX_PICKLE_LENGTH = 1 << 24;

    private TorchZip() {}

    static TorchFile open(MappedFile file, String name) {
        Map<String, MemorySegment> entries = ZipArchive.entries(file);
        String root = root(file, entries);
        refuseBigEndian(file, entries.get(root + "/byteorder"));
        MemorySegment pickle = Objects.requireNonNull(entries.get(root + PICKLE));
        if (pickle.byteSize() > MAX_PICKLE_LENGTH) {
            throw file.bad("a pickle of at most " + MAX_PICKLE_LENGTH + " bytes", pickle.byteSize() + " bytes");
        }
        String label = file.label() + ", " + Printable.plain(root) + PICKLE;
        Object saved = PickleReader.read(label, new ByteCursor(label, pickle));
        Map<String, MemorySegment> data = data(root + "/data/", entries);
        return new TorchFile(file, name, saved, storage -> {
            MemorySegment bytes = data.get(storage.key());
            if (bytes == null) {
                throw file.bad("a storage " + Printable.quoted(storage.key()), "none");
            }
            if (bytes.byteSize() != storage.bytes()) {
                throw file.bad(
                        storage.bytes() + " bytes in storage " + Printable.quoted(storage.key()),
                        bytes.byteSize() + " bytes");
            }
            return bytes;
        });
    }

    /**
     * The entries of a folder by their names in it. The folder's own name may be long, and is not spelled again for
     * every tensor.
     */
    private static Map<String, MemorySegment> data(String folder, Map<String, MemorySegment> entries) {
        Map<String, MemorySegment> data = new HashMap<>();
        entries.forEach((name, bytes) -> {
            if (name.startsWith(folder)) {
                data.put(name.substring(folder.length()), bytes);
            }
        });
        return data;
    }

    /** The folder of the archive that holds all entries. */
    private static String root(MappedFile file, Map<String, MemorySegment> entries) {
        List<String> pickles = entries.keySet().stream()
                .filter(entry -> entry.endsWith(PICKLE))
                .toList();
        if (pickles.size() != 1) {
            throw file.bad("a zip archive with one data.pkl, as torch.save writes", pickles.size() + " of them");
        }
        String root = pickles.getFirst().substring(0, pickles.getFirst().length() - PICKLE.length());
        if (entries.containsKey(root + "/constants.pkl")) {
            throw file.bad(
                    "what torch.save writes", "a TorchScript archive: save the state dictionary with torch.save");
        }
        return root;
    }

    private static void refuseBigEndian(MappedFile file, @Nullable MemorySegment order) {
        if (order != null) {
            String text = new String(
                    order.asSlice(0, Math.min(16, order.byteSize())).toArray(ValueLayout.JAVA_BYTE), ISO_8859_1);
            if (!text.equals("little")) {
                throw file.bad("values in little-endian order", "byteorder " + Printable.quoted(text));
            }
        }
    }
}
