package dev.hyaline.analysis.dictionary;

import dev.hyaline.instrument.CounterRandom;

/** Chooses what an atom becomes that was hardly used. */
@FunctionalInterface
interface Replacement {
    /** Noise of a replaced atom, as a share of its sample's standard deviation. */
    double NOISE = 0.01;

    /**
     * Draws an atom.
     *
     * @param step of the fit
     * @param samples of the batch, {@code [count, d]}
     * @param into the atom, {@code [d]}
     */
    void draw(long step, int atom, double[] samples, int count, double[] into);

    /**
     * A sample of the batch with noise of a hundredth of its standard deviation, or of .01 if it has none, as in
     * scikit-learn. The draws are of the seed, the step and the atom.
     */
    static Replacement bySamples(long seed) {
        CounterRandom draws = CounterRandom.of(seed).named("dictionary/resample");
        return (step, atom, samples, count, into) -> {
            CounterRandom random = draws.with(step).with(atom);
            int d = into.length;
            int from = random.index(0, count) * d;
            double sum = 0;
            for (int c = 0; c < d; c++) {
                sum += samples[from + c];
            }
            double mean = sum / d;
            double squares = 0;
            for (int c = 0; c < d; c++) {
                squares += (samples[from + c] - mean) * (samples[from + c] - mean);
            }
            double deviation = Math.sqrt(squares / d);
            double noise = NOISE * (deviation > 0 ? deviation : 1);
            CounterRandom gaussians = random.named("noise");
            for (int c = 0; c < d; c++) {
                into[c] = samples[from + c] + noise * gaussians.gaussian(c);
            }
        };
    }
}
