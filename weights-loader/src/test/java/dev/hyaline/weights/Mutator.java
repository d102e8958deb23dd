package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Breaks files at random, reproducibly: some bytes anywhere, and JSON where it is likely to matter. */
public final class Mutator {
    private static final Pattern VALUE = Pattern.compile(
            "-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?|\"[^\"]{0,60}\"|true|false|null|\\[[^\\[\\]]{0,40}]|[{}:,]");
    private static final List<String> REPLACEMENTS = List.of(
            "0",
            "1",
            "-1",
            "255",
            "65536",
            "2147483647",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "1e308",
            "1e999",
            "-0",
            "0.5",
            "NaN",
            "\"\"",
            "\"F16\"",
            "\"I64\"",
            "\"shape\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"h.0.attn.bias\"",
            "\"__metadata__\"",
            "\"<|endoftext|>\"",
            "\"a b\"",
            "true",
            "false",
            "null",
            "[]",
            "[0,0]",
            "[[[[[[[[",
            "{}",
            "{",
            "}",
            "]",
            ",",
            ":",
            "",
            " ");

    private final Random random;

    public Mutator(long seed) {
        random = new Random(seed);
    }

    /** The file after one to four random changes. */
    public byte[] mutate(byte[] file) {
        byte[] changed = file;
        for (int i = random.nextInt(4); i >= 0; i--) {
            changed = change(changed, random.nextInt(10));
        }
        return changed;
    }

    /** As {@link #mutate}, for a safetensors file: its header's length is kept right, or broken on purpose. */
    public byte[] mutateSafetensors(byte[] file) {
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        byte[] header = Arrays.copyOfRange(file, 8, 8 + length);
        byte[] data = Arrays.copyOfRange(file, 8 + length, file.length);
        return switch (random.nextInt(8)) {
            case 0 -> mutate(file);
            case 1 -> SafetensorsBuilder.file(lengthNear(length), header, data);
            case 2 -> SafetensorsBuilder.file(length, header, mutate(data));
            case 3 -> Arrays.copyOf(file, random.nextInt(2 * file.length));
            default -> {
                byte[] changed = mutate(header);
                yield SafetensorsBuilder.file(changed.length, changed, data);
            }
        };
    }

    /**
     * As {@link #mutate}, for a binary file: mostly where its structure is, at the start and the end, and often a
     * number of some bytes at once.
     */
    public byte[] mutateBinary(byte[] file) {
        byte[] changed = file;
        for (int i = random.nextInt(3); i >= 0; i--) {
            changed = random.nextInt(40) == 0
                    ? Arrays.copyOf(changed, random.nextInt(file.length + 64))
                    : changeBinary(changed);
        }
        return changed;
    }

    /** As {@link #mutateBinary}, all bytes in their places. */
    public byte[] overwrite(byte[] file, int from, int to) {
        byte[] changed = file.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            overwriteAt(changed, from + random.nextInt(to - from));
        }
        return changed;
    }

    private byte[] changeBinary(byte[] file) {
        if (file.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        int near = Math.min(file.length, 3000);
        int at = switch (random.nextInt(4)) {
            case 0 -> random.nextInt(file.length);
            case 1 -> file.length - 1 - random.nextInt(near);
            default -> random.nextInt(near);
        };
        int end = Math.min(file.length, at + 1 + random.nextInt(16));
        return switch (random.nextInt(8)) {
            case 0 -> splice(file, at, end, new byte[0]);
            case 1 -> splice(file, at, at, Arrays.copyOfRange(file, at, end));
            default -> {
                byte[] changed = file.clone();
                overwriteAt(changed, at);
                yield changed;
            }
        };
    }

    private void overwriteAt(byte[] file, int at) {
        long number = switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> 1L << random.nextInt(64);
            case 3 -> (1L << random.nextInt(64)) - 1;
            case 4 -> file[at] + random.nextInt(9) - 4;
            case 5 -> file[at] ^ (1 << random.nextInt(8));
            default -> random.nextLong();
        };
        int bytes = random.nextInt(3) == 0 ? 1 << random.nextInt(4) : 1;
        for (int i = 0; i < bytes && at + i < file.length; i++) {
            file[at + i] = (byte) (number >>> (8 * i));
        }
    }

    private long lengthNear(int length) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextLong();
            case 1 -> 1L << random.nextInt(64);
            default -> length + random.nextInt(33) - 16L;
        };
    }

    private byte[] change(byte[] file, int kind) {
        if (file.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        int at = random.nextInt(file.length);
        int end = Math.min(file.length, at + 1 + random.nextInt(16));
        return switch (kind) {
            case 0 -> {
                byte[] flipped = file.clone();
                flipped[at] ^= (byte) (1 << random.nextInt(8));
                yield flipped;
            }
            case 1 -> {
                byte[] overwritten = file.clone();
                overwritten[at] = (byte) random.nextInt();
                yield overwritten;
            }
            case 2 -> splice(file, at, end, new byte[0]);
            case 3 -> splice(file, at, at, Arrays.copyOfRange(file, at, end));
            case 4 -> random.nextInt(4) == 0 ? Arrays.copyOf(file, at) : splice(file, at, at, new byte[] {'"'});
            default -> replaceValue(file);
        };
    }

    private byte[] replaceValue(byte[] file) {
        List<MatchResult> values =
                VALUE.matcher(new String(file, ISO_8859_1)).results().toList();
        if (values.isEmpty()) {
            return file;
        }
        MatchResult value = values.get(random.nextInt(values.size()));
        String replacement = random.nextInt(4) == 0
                ? values.get(random.nextInt(values.size())).group()
                : REPLACEMENTS.get(random.nextInt(REPLACEMENTS.size()));
        return splice(file, value.start(), value.end(), replacement.getBytes(ISO_8859_1));
    }

    private static byte[] splice(byte[] file, int start, int end, byte[] replacement) {
        byte[] spliced = new byte[file.length - (end - start) + replacement.length];
        System.arraycopy(file, 0, spliced, 0, start);
        System.arraycopy(replacement, 0, spliced, start, replacement.length);
        System.arraycopy(file, end, spliced, start + replacement.length, file.length - end);
        return spliced;
    }

    /** Bytes of heap that the calling thread has allocated so far. */
    public static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
