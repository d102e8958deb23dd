package dev.hyaline.instrument.internal.edit;

/**
 * Random numbers addressed by counters instead of drawn one after the other, so that a number does not depend on which
 * others were asked for. Each step is the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Immutable.
 */
final class CounterRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private final long key;

    private CounterRandom(long key) {
        this.key = key;
    }

    static CounterRandom of(long seed) {
        return new CounterRandom(mix(seed + GOLDEN));
    }

    /** The numbers of one more coordinate. */
    CounterRandom with(long coordinate) {
        return new CounterRandom(mix(key ^ mix(coordinate + GOLDEN)));
    }

    long bits(long counter) {
        return mix(key + (counter + 1) * GOLDEN);
    }

    /** Standard normal, by Box and Muller; strict mathematics, so that every machine has the same. */
    double gaussian(long counter) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - uniform(2 * counter)));
        return radius * StrictMath.cos(2 * Math.PI * uniform(2 * counter + 1));
    }

    /** In [0, 1). */
    private double uniform(long counter) {
        return (bits(counter) >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }
}
