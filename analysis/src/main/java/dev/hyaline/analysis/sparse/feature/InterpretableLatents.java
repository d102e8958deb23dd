package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Latents that say one nameable thing: that the token, the one before it or the one after it is in a set of tokens. A
 * latent is measured by the best F1, over thresholds, of "it fires above the threshold" against each of these.
 *
 * <p>The thresholds and labels are chosen on one half of the texts, and the F1 is that on the other. The same with
 * labels permuted among the tokens is what chance would give.
 *
 * @param tokens that counted
 * @param alive latents that fire on one of them
 * @param best of each latent, its best label; the empty text where it never fires or no label fits
 * @param f1 of each latent with that label and threshold on the other half; 0 where it never fires
 * @param permuted the same with permuted labels
 * @param overall of each latent, its best F1 on all tokens, which were the choice too
 */
public record InterpretableLatents(
        int tokens, int alive, List<String> best, double[] f1, double[] permuted, double[] overall) {
    /** The F1 from which on a latent counts. */
    public static final double ENOUGH = 0.8;

    public InterpretableLatents {
        best = List.copyOf(best);
    }

    /**
     * Measures all latents.
     *
     * @param sets of token ids, by name; of a set of one token, what comes before it is no label
     * @throws BadInputException if no set is left that has ten tokens of the texts
     */
    public static InterpretableLatents of(LatentStudy study, Map<String, Set<Integer>> sets) {
        return of(study, LabelFits.of(study, sets));
    }

    /**
     * Measures other codes of the same tokens, such as those of a dictionary that was learned another way. An atom
     * fires where its coefficient is above 0.
     *
     * @param codes of all tokens of the study, in their order
     * @param sets as of {@link #of(LatentStudy, Map)}
     * @throws BadShapeException if the codes are of more or fewer tokens
     * @throws BadInputException if no set is left that has ten tokens of the texts
     */
    public static InterpretableLatents of(LatentStudy study, Latents codes, Map<String, Set<Integer>> sets) {
        if (codes.tokens() != study.rows()) {
            throw new BadShapeException("codes", "those of " + study.rows() + " tokens", codes.tokens() + " tokens");
        }
        return LabelFits.of(study, sets).fit(Codes.of(study, codes));
    }

    static InterpretableLatents of(LatentStudy study, LabelFits fits) {
        return fits.fit(new StudiedLatents(study));
    }

    /** Number of latents whose F1 on the other half is at least {@link #ENOUGH}. */
    public int count() {
        return count(f1);
    }

    /** As {@link #count}, with permuted labels. */
    public int countPermuted() {
        return count(permuted);
    }

    /** The latents of a study. */
    private record StudiedLatents(LatentStudy study) implements LabelFits.Candidates {
        @Override
        public int count() {
            return study.latents();
        }

        @Override
        public LabelFits.Firings firings(int i) {
            return new LabelFits.Firings(study.firedRows(i), study.firedValues(i));
        }
    }

    /**
     * Codes by atom.
     *
     * @param starts of each atom's firings in the next two arrays
     */
    private record Codes(int[] starts, int[] rows, float[] values) implements LabelFits.Candidates {
        static Codes of(LatentStudy study, Latents codes) {
            int[] starts = new int[codes.width() + 1];
            for (int t = 0; t < codes.tokens(); t++) {
                for (int e = codes.offsets()[t]; e < codes.offsets()[t + 1] && !study.isExcluded(t); e++) {
                    starts[codes.indices()[e] + 1] += codes.values()[e] > 0 ? 1 : 0;
                }
            }
            Arrays.parallelPrefix(starts, Integer::sum);
            int[] rows = new int[starts[codes.width()]];
            float[] values = new float[rows.length];
            int[] next = starts.clone();
            for (int t = 0; t < codes.tokens(); t++) {
                for (int e = codes.offsets()[t]; e < codes.offsets()[t + 1] && !study.isExcluded(t); e++) {
                    if (codes.values()[e] > 0) {
                        int to = next[codes.indices()[e]]++;
                        rows[to] = t;
                        values[to] = codes.values()[e];
                    }
                }
            }
            return new Codes(starts, rows, values);
        }

        @Override
        public int count() {
            return starts.length - 1;
        }

        @Override
        public LabelFits.Firings firings(int i) {
            return new LabelFits.Firings(
                    Arrays.copyOfRange(rows, starts[i], starts[i + 1]),
                    Arrays.copyOfRange(values, starts[i], starts[i + 1]));
        }
    }

    private static int count(double[] values) {
        return (int) Arrays.stream(values).filter(value -> value >= ENOUGH).count();
    }

    /** Share of the latents that fire that are interpretable; 0 if none fires. */
    public double share() {
        return alive == 0 ? 0 : (double) count() / alive;
    }

    /** Labels that an interpretable latent has. */
    public int labels() {
        return (int) IntStream.range(0, f1.length)
                .filter(i -> f1[i] >= ENOUGH)
                .mapToObj(best::get)
                .distinct()
                .count();
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
