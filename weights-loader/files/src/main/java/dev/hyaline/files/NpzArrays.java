package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The arrays of an npz: their headers, and their bytes. The zip stays open as long as this is reachable: each opening
 * reads the whole directory, which for an array at a time would be quadratic.
 */
final class NpzArrays {
    private static final String SUFFIX = ".npy";
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int HEADER_START = MAGIC.length + Short.BYTES;
    private static final Pattern HEADER = Pattern.compile(
            "\\{'descr': '([^']{1,8})', 'fortran_order': False, 'shape': \\(([\\d, ]{0,400})\\), ?\\}\\s*");
    private static final int MAX_ARRAYS = 1 << 20;
    private static final Map<String, Dtype> TYPES =
            Map.of("<f8", Dtype.F64, "<f4", Dtype.F32, "<f2", Dtype.F16, "<i8", Dtype.I64, "<i4", Dtype.I32);

    private final Path file;
    private final FileErrors errors;
    private final ZipFile zip;

    private NpzArrays(Path file, FileErrors errors, ZipFile zip) {
        this.file = file;
        this.errors = errors;
        this.zip = zip;
    }

    static NpzArrays open(Path file, FileErrors errors) {
        FileInput.open(file, errors).close(); // says what is wrong with a file that cannot be opened
        try {
            return new NpzArrays(file, errors, new ZipFile(file.toFile()));
        } catch (IOException e) {
            throw unreadable(file, errors, e);
        }
    }

    /** The arrays by name, each at its place in its own entry; their headers are read and checked. */
    Map<String, StoredTensor> tensors() {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        try {
            if (zip.size() > MAX_ARRAYS) {
                throw errors.file(file.toString(), "at most " + MAX_ARRAYS + " arrays", zip.size() + " entries");
            }
            for (ZipEntry entry : zip.stream().toList()) {
                if (entry.getName().endsWith(SUFFIX)) {
                    String name = entry.getName().substring(0, entry.getName().length() - SUFFIX.length());
                    tensors.put(name, header(entry, name));
                }
            }
        } catch (IOException e) {
            throw unreadable(file, errors, e);
        }
        return tensors;
    }

    /** Bytes of an array, from an offset in its values on. */
    byte[] read(StoredTensor tensor, long offset, int length) {
        ZipEntry entry = zip.getEntry(tensor.name() + SUFFIX);
        try (InputStream bytes = zip.getInputStream(entry)) {
            bytes.skipNBytes(tensor.begin() + offset);
            byte[] read = bytes.readNBytes(length);
            if (read.length < length) {
                throw changed();
            }
            return read;
        } catch (IOException e) {
            throw unreadable(file, errors, e);
        }
    }

    private StoredTensor header(ZipEntry entry, String name) throws IOException {
        try (InputStream bytes = zip.getInputStream(entry)) {
            byte[] start = bytes.readNBytes(HEADER_START);
            if (start.length < HEADER_START || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
                throw bad(name, "an array that numpy.save wrote", "something else");
            }
            int length = (start[MAGIC.length] & 0xFF) | (start[MAGIC.length + 1] & 0xFF) << 8;
            String header = new String(bytes.readNBytes(length), StandardCharsets.ISO_8859_1);
            Matcher match = HEADER.matcher(header);
            Dtype type = match.matches() ? TYPES.get(match.group(1)) : null;
            if (type == null) {
                throw bad(name, "the header of an array of floats or whole numbers", Printable.quoted(header.strip()));
            }
            List<Long> shape = new ArrayList<>();
            long elements = 1;
            for (String size : match.group(2).split("[, ]+", -1)) {
                if (!size.isEmpty()) {
                    shape.add(size.length() > 18 ? Long.MAX_VALUE : Long.parseLong(size));
                    if (Math.multiplyHigh(elements, shape.getLast()) != 0) {
                        throw bad(name, "a shape whose size fits 63 bits", Printable.plain(match.group(2)));
                    }
                    elements *= shape.getLast();
                }
            }
            long begin = (long) HEADER_START + length;
            if (elements < 0 || elements > entry.getSize() || begin + elements * type.bytes() != entry.getSize()) {
                throw bad(
                        name,
                        "as many bytes as " + Printable.plain(shape.toString()) + " " + type + " need",
                        entry.getSize() - begin + " bytes");
            }
            return new StoredTensor(name, type, shape, begin, entry.getSize());
        }
    }

    private HyalineException bad(String name, String expected, String found) {
        return errors.tensor(file.toString(), Printable.plain(name), expected, found);
    }

    private HyalineException changed() {
        return errors.file(file.toString(), "a file that stays whole while it is used", "one cut short");
    }

    private static HyalineException unreadable(Path file, FileErrors errors, IOException e) {
        return e instanceof ZipException
                ? errors.file(file.toString(), "a zip of arrays, as numpy.savez writes it", "a damaged one", e)
                : errors.unreadable(file.toString(), e);
    }
}
