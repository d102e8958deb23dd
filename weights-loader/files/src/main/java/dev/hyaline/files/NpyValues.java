package dev.hyaline.files;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Arrays of numbers in files that {@code numpy.save} wrote. */
public final class NpyValues {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final Pattern HEADER =
            Pattern.compile("\\{\\s*'descr'\\s*:\\s*'([^']*)'\\s*,\\s*'fortran_order'\\s*:"
                    + "\\s*(True|False)\\s*,\\s*'shape'\\s*:\\s*\\(([\\d, ]*)\\)\\s*,?\\s*\\}\\s*");
    private static final int MAX_HEADER = 1 << 16;
    private static final int MAX_VALUES = 1 << 26;

    private NpyValues() {}

    /** The values of an array that is one row, {@code (n,)} or {@code (1, n)}, as floats. */
    public static float[] row(Path file, FileErrors errors) {
        try (FileInput input = FileInput.open(file, errors)) {
            byte[] start = input.size() < 12 ? new byte[12] : input.read(0, 12);
            if (!Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length) || start[6] < 1 || start[6] > 3) {
                throw errors.file(file.toString(), "an array that numpy.save wrote", "something else");
            }
            int begin = start[6] == 1 ? 10 : 12;
            long length = (start[8] & 0xFF) | (start[9] & 0xFF) << 8;
            if (start[6] > 1) {
                length |= (start[10] & 0xFFL) << 16 | (start[11] & 0xFFL) << 24;
            }
            if (length > Math.min(MAX_HEADER, input.size() - begin)) {
                throw errors.file(file.toString(), "a header within the file", "one of " + length + " bytes");
            }
            String header = new String(input.read(begin, (int) length), StandardCharsets.ISO_8859_1);
            Matcher match = HEADER.matcher(header);
            if (!match.matches()) {
                throw errors.file(
                        file.toString(), "the header of an array of numbers", Printable.plain(header.strip()));
            }
            Dtype type = switch (match.group(1)) {
                case "<f8" -> Dtype.F64;
                case "<f4" -> Dtype.F32;
                case "<f2" -> Dtype.F16;
                default ->
                    throw errors.file(file.toString(), "values of <f8, <f4 or <f2", Printable.plain(match.group(1)));
            };
            int values = oneRow(file, errors, match.group(3));
            long bytes = (long) values * type.bytes();
            if (begin + length + bytes != input.size()) {
                throw errors.file(
                        file.toString(),
                        (begin + length + bytes) + " bytes for " + values + " values",
                        input.size() + " bytes");
            }
            float[] row = new float[values];
            FloatCodec.get(MemorySegment.ofArray(input.read(begin + length, (int) bytes)), 0, type, row, 0, values);
            return row;
        }
    }

    private static int oneRow(Path file, FileErrors errors, String shape) {
        String[] sizes = shape.strip().split("\\s*,\\s*", -1);
        long values = 1;
        boolean row = !shape.isBlank();
        for (int i = 0; i < sizes.length && row; i++) {
            if (!sizes[i].isEmpty()) {
                long size = sizes[i].length() > 9 ? Long.MAX_VALUE : Long.parseLong(sizes[i]);
                row = values == 1 && size >= 1 && size <= MAX_VALUES; // only the last may be more than 1
                values = row ? values * size : values;
            }
        }
        if (!row) {
            throw errors.file(file.toString(), "one row of values, (n,) or (1, n)", "(" + Printable.plain(shape) + ")");
        }
        return (int) values;
    }
}
