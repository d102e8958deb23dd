package dev.hyaline.weights.internal.tensors;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.torch.ZipArchive;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** NumPy's npz, as {@code numpy.savez} writes it: a zip of uncompressed {@code .npy} files. */
public final class NpzFile {
    private static final Map<String, Dtype> TYPES = Map.of(
            "<f8", Dtype.F64,
            "<f4", Dtype.F32,
            "<f2", Dtype.F16,
            "<i8", Dtype.I64,
            "<i4", Dtype.I32,
            "<i2", Dtype.I16,
            "|i1", Dtype.I8,
            "|u1", Dtype.U8,
            "|b1", Dtype.BOOL);

    private static final Pattern HEADER =
            Pattern.compile("\\{'descr': '([<|>=]\\w{2,3})', 'fortran_order': (True|False),"
                    + " 'shape': \\(([0-9, ]{0,1300}+)\\),? ?\\}\\s*+");
    private static final Pattern SHAPE = Pattern.compile("|\\d{1,18},|\\d{1,18}(?:, ?\\d{1,18}){1,63}+,?");
    private static final byte[] MAGIC = "\u0093NUMPY".getBytes(ISO_8859_1);
    private static final int MAX_HEADER = 1 << 16;

    private NpzFile() {}

    /** The tensors of a file under their names without {@code .npy}. */
    public static List<TensorView> read(MappedFile file) {
        List<TensorView> tensors = new ArrayList<>();
        ZipArchive.entries(file).forEach((name, bytes) -> {
            if (name.endsWith(".npy")) {
                tensors.add(tensor(file.label(), name.substring(0, name.length() - ".npy".length()), bytes));
            }
        });
        return tensors;
    }

    private static TensorView tensor(String label, String name, MemorySegment bytes) {
        if (bytes.byteSize() < 10 || !startsWithMagic(bytes)) {
            throw bad(label, name, "an array of NumPy's", "something else");
        }
        int version = bytes.get(ValueLayout.JAVA_BYTE, 6);
        int lengthBytes = version == 1 ? 2 : 4;
        if (version < 1 || version > 3 || bytes.byteSize() < 8 + lengthBytes) {
            throw bad(label, name, "an array in a version from 1 to 3 of the format", "version " + version);
        }
        long length = 0;
        for (int i = lengthBytes - 1; i >= 0; i--) {
            length = (length << 8) | (bytes.get(ValueLayout.JAVA_BYTE, 8 + i) & 0xFF);
        }
        long begin = 8 + lengthBytes + length;
        if (length > MAX_HEADER || begin > bytes.byteSize()) {
            throw bad(label, name, "a header within the array", length + " bytes");
        }
        String header = new String(bytes.asSlice(8 + lengthBytes, length).toArray(ValueLayout.JAVA_BYTE), ISO_8859_1);
        Matcher match = HEADER.matcher(header);
        if (!match.matches()) {
            throw bad(label, name, "a header with descr, fortran_order and shape", Printable.quoted(header));
        }
        Dtype dtype = TYPES.get(match.group(1));
        if (dtype == null) {
            throw bad(label, name, "little-endian numbers", Printable.quoted(match.group(1)));
        }
        if (!SHAPE.matcher(match.group(3)).matches()) {
            throw bad(label, name, "a tuple of at most 64 sizes", Printable.quoted(match.group(3)));
        }
        List<Long> shape = new ArrayList<>();
        long elements = 1;
        for (String size : match.group(3).split("[, ]+", -1)) {
            if (!size.isEmpty()) {
                shape.add(Long.parseLong(size));
                if (Math.multiplyHigh(elements, shape.getLast()) != 0) {
                    throw bad(label, name, "a shape whose size fits 63 bits", Printable.plain(match.group(3)));
                }
                elements *= shape.getLast();
            }
        }
        MemorySegment values = bytes.asSlice(begin);
        if (elements < 0 || elements > values.byteSize() || elements * dtype.bytes() != values.byteSize()) {
            throw bad(
                    label,
                    name,
                    "as many bytes as " + Printable.plain(shape.toString()) + " " + dtype + " need",
                    values.byteSize() + " bytes");
        }
        return match.group(2).equals("True")
                ? TensorView.dense(label, name, dtype, shape.reversed(), values).transposed()
                : TensorView.dense(label, name, dtype, shape, values);
    }

    private static boolean startsWithMagic(MemorySegment bytes) {
        for (int i = 0; i < MAGIC.length; i++) {
            if (bytes.get(ValueLayout.JAVA_BYTE, i) != MAGIC[i]) {
                return false;
            }
        }
        return true;
    }

    private static BadCheckpointException bad(String label, String name, String expected, String found) {
        return BadCheckpointException.file(label + ", " + Printable.plain(name), expected, found);
    }
}
