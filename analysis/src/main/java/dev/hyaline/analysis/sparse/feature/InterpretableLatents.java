package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
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

    private static final int LEAST_LABELLED = 10;

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
        return new Measurement(study, sets).run();
    }

    /** Number of latents whose F1 on the other half is at least {@link #ENOUGH}. */
    public int count() {
        return count(f1);
    }

    /** As {@link #count}, with permuted labels. */
    public int countPermuted() {
        return count(permuted);
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

    private static final class Measurement {
        private final LatentStudy study;
        private final SortedMap<String, boolean[]> labels = new TreeMap<>();
        private final boolean[] second;
        private final int rows;

        Measurement(LatentStudy study, Map<String, Set<Integer>> sets) {
            this.study = study;
            rows = study.rows();
            second = new boolean[rows];
            for (int t = 0; t < rows; t++) {
                second[t] = study.text(t) % 2 == 1;
            }
            sets.forEach((name, set) -> {
                add("token in " + name, set, 0);
                add("previous token in " + name, set, -1);
                if (set.size() > 1) {
                    add("next token in " + name, set, 1);
                }
            });
            if (labels.isEmpty()) {
                throw new BadInputException("no set of tokens occurs " + LEAST_LABELLED + " times in the texts");
            }
        }

        private void add(String name, Set<Integer> set, int offset) {
            boolean[] label = new boolean[rows];
            int count = 0;
            for (int t = 0; t < rows; t++) {
                int at = t + offset;
                label[t] = !study.isExcluded(t)
                        && at >= 0
                        && at < rows
                        && study.text(at) == study.text(t)
                        && set.contains(study.token(at));
                count += label[t] ? 1 : 0;
            }
            if (count >= LEAST_LABELLED) {
                labels.put(name, label);
            }
        }

        InterpretableLatents run() {
            int n = study.latents();
            double[] f1 = new double[n];
            double[] permuted = new double[n];
            double[] overall = new double[n];
            String[] best = new String[n];
            List<String> names = new ArrayList<>(labels.keySet());
            List<boolean[]> real = List.copyOf(labels.values());
            List<boolean[]> shuffled = real.stream().map(this::permuted).toList();
            int alive = 0;
            for (int i = 0; i < n; i++) {
                int[] fired = study.firedRows(i);
                best[i] = "";
                if (fired.length == 0) {
                    continue;
                }
                alive++;
                float[] values = study.firedValues(i);
                int[] order = IntStream.range(0, fired.length)
                        .boxed()
                        .sorted((a, b) -> Float.compare(values[b], values[a]))
                        .mapToInt(Integer::intValue)
                        .toArray();
                Choice choice = choose(fired, values, order, real);
                f1[i] = choice.heldOut;
                best[i] = choice.label < 0 ? "" : names.get(choice.label);
                permuted[i] = choose(fired, values, order, shuffled).heldOut;
                for (boolean[] label : real) {
                    overall[i] = Math.max(overall[i], bestF1(fired, values, order, label, -1)[0]);
                }
            }
            return new InterpretableLatents(study.tokens(), alive, List.of(best), f1, permuted, overall);
        }

        private boolean[] permuted(boolean[] label) {
            int[] counted =
                    IntStream.range(0, rows).filter(t -> !study.isExcluded(t)).toArray();
            int[] shuffled = counted.clone();
            CounterRandom random = CounterRandom.of(1).named("sparse/permuted");
            for (int i = shuffled.length - 1; i > 0; i--) {
                int j = random.index(i, i + 1);
                int kept = shuffled[i];
                shuffled[i] = shuffled[j];
                shuffled[j] = kept;
            }
            boolean[] permuted = new boolean[rows];
            for (int i = 0; i < counted.length; i++) {
                permuted[counted[i]] = label[shuffled[i]];
            }
            return permuted;
        }

        /** The label that fits best on the first half, and its F1 on the second. */
        private record Choice(int label, double heldOut) {}

        private Choice choose(int[] fired, float[] values, int[] order, List<boolean[]> among) {
            int best = -1;
            double[] most = {0, 0};
            for (int l = 0; l < among.size(); l++) {
                double[] found = bestF1(fired, values, order, among.get(l), 0);
                if (found[0] > most[0]) {
                    most = found;
                    best = l;
                }
            }
            return best < 0 ? new Choice(-1, 0) : new Choice(best, f1(fired, values, among.get(best), (float) most[1]));
        }

        /**
         * The best F1 over thresholds, and the threshold.
         *
         * @param half 0 for the first half of the texts, -1 for all
         */
        private double[] bestF1(int[] fired, float[] values, int[] order, boolean[] label, int half) {
            int positives = 0;
            for (int t = 0; t < rows; t++) {
                positives += label[t] && (half < 0 || !second[t]) ? 1 : 0;
            }
            double best = 0;
            double threshold = 0;
            int hits = 0;
            int taken = 0;
            for (int k = 0; k < order.length; k++) {
                int e = order[k];
                if (half < 0 || !second[fired[e]]) {
                    taken++;
                    hits += label[fired[e]] ? 1 : 0;
                }
                boolean last = k + 1 == order.length;
                float next = last ? 0 : values[order[k + 1]];
                if (taken > 0 && next < values[e]) {
                    double f1 = 2.0 * hits / (taken + positives);
                    if (f1 > best) {
                        best = f1;
                        threshold = (values[e] + (double) next) / 2;
                    }
                }
            }
            return new double[] {best, threshold};
        }

        /** F1 of one threshold on the second half. */
        private double f1(int[] fired, float[] values, boolean[] label, float threshold) {
            int positives = 0;
            for (int t = 0; t < rows; t++) {
                positives += label[t] && second[t] ? 1 : 0;
            }
            int taken = 0;
            int hits = 0;
            for (int e = 0; e < fired.length; e++) {
                if (second[fired[e]] && values[e] > threshold) {
                    taken++;
                    hits += label[fired[e]] ? 1 : 0;
                }
            }
            return taken + positives == 0 ? 0 : 2.0 * hits / (taken + positives);
        }
    }
}
