package dev.hyaline.instrument;

import dev.hyaline.engine.error.BadInputException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Random numbers addressed by labels and counters instead of drawn one after the other, so that a number does not
 * depend on which others were asked for, nor on the thread that asks. Each step is the finaliser of SplitMix64 (Steele,
 * Lea and Flood 2014). Immutable.
 *
 * <p>A stream is chosen by coordinates: {@code CounterRandom.of(seed).named("ioi/ablate/1.3/bootstrap").with(b)} is
 * replicate {@code b} of one named quantity. Adding another quantity changes no number of this one.
 */
public final class CounterRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    /** Most places of a permutation, whose array then has 4 GiB. */
    public static final int MAX_PLACES = 1 << 30;

    private final long key;

    private CounterRandom(long key) {
        this.key = key;
    }

    /** The numbers of a seed. */
    public static CounterRandom of(long seed) {
        return new CounterRandom(mix(seed + GOLDEN));
    }

    /** The coordinate of a label: the first 8 bytes, big-endian, of the SHA-256 of its UTF-8. */
    public static long stream(String label) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(label.getBytes(StandardCharsets.UTF_8));
            long stream = 0;
            for (int i = 0; i < Long.BYTES; i++) {
                stream = (stream << 8) | (digest[i] & 0xFF);
            }
            return stream;
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** The numbers of one more coordinate. */
    public CounterRandom with(long coordinate) {
        return new CounterRandom(mix(key ^ mix(coordinate + GOLDEN)));
    }

    /** The numbers of a label, {@code with(stream(label))}. */
    public CounterRandom named(String label) {
        return with(stream(label));
    }

    /** 64 random bits. */
    public long bits(long counter) {
        return mix(key + (counter + 1) * GOLDEN);
    }

    /** An index of {@code 0..n-1}: the high word of the unsigned product of the bits and {@code n}. */
    public int index(long counter, int n) {
        return (int) Math.unsignedMultiplyHigh(bits(counter), n);
    }

    /** A fair coin: bit {@code counter} mod 64 of {@code bits(counter / 64)}. */
    public boolean flip(long counter) {
        return (bits(counter >> 6) >>> counter & 1) != 0;
    }

    /**
     * A permutation of {@code 0..n-1}, by Fisher and Yates from the top: draw {@code k} exchanges place {@code i =
     * n-1-k} with {@code index(k, i + 1)}.
     *
     * @throws BadInputException if {@code n} is negative or above {@value #MAX_PLACES}
     */
    public int[] permutation(int n) {
        if (n < 0 || n > MAX_PLACES) {
            throw new BadInputException("a permutation is of 0 "
                    + (n < 0 ? "or more places" : "to " + MAX_PLACES + " places") + ", found " + n);
        }
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int k = 0; k < n - 1; k++) {
            int i = n - 1 - k;
            int j = index(k, i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    /** Standard normal, by Box and Muller; strict mathematics, so that every machine has the same. */
    public double gaussian(long counter) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - uniform(2 * counter)));
        return radius * StrictMath.cos(2 * Math.PI * uniform(2 * counter + 1));
    }

    /** In [0, 1), a multiple of 2<sup>-53</sup>. */
    public double uniform(long counter) {
        return (bits(counter) >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }

    @Override
    public String toString() {
        return "draws of key " + Long.toHexString(key);
    }
}
