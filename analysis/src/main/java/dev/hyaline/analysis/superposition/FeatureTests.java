package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Printable;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Whether the model uses a dictionary's strongest features: each is edited at all tokens of a prompt that count, and
 * random directions of the same length likewise.
 *
 * <ul>
 *   <li>ablate: the direction is projected out;
 *   <li>steer: activations are moved along it, by {@value #STEERED} times the root mean square of one dimension.
 * </ul>
 *
 * <p>An effect is the absolute change of the answers' mean logit less the distractors', against the mean under the
 * random directions for the same prompt. {@link RandomDirections} has the rule by which it counts.
 *
 * @param dictionary its name
 * @param atoms the strongest, in order
 * @param effects {@code [edit, atom]}, a value for each pair, compared with random directions
 * @param asMuch share of the random directions whose mean effect is at least an atom's, {@code [edit, atom]}, counting
 *     the atom as one of them
 * @param random number of random directions
 */
public record FeatureTests(String dictionary, int[] atoms, ResultTable effects, double[] asMuch, int random) {
    /** Length of a steering step, in units of normalised activations. */
    public static final double STEERED = 4;

    private static final List<String> EDITS = List.of("ablate", "steer");

    /**
     * Tests the strongest features of each dictionary of a study.
     *
     * @param excluded tokens that are not edited
     * @param most atoms of each dictionary
     * @param random number of random directions, the same for all atoms
     * @throws BadInputException if a row of the site is not one vector a token, a pair has no distractor, or there are
     *     too few random directions or too many for {@link RandomDirections}
     */
    public static List<FeatureTests> of(
            Gpt2 model,
            PromptPairs pairs,
            LayerSuperposition found,
            Set<Integer> excluded,
            int most,
            int random,
            long seed) {
        HookPoint site = found.site();
        if (site.site().shape().byHead()) {
            throw new BadInputException(
                    site + " has a row a head, and a feature of all heads together is no direction" + " of one");
        }
        if (most < 1) {
            throw new BadInputException("at least 1 feature of a dictionary is tested, found " + most);
        }
        RandomDirections.require(random);
        List<Target> targets = new ArrayList<>();
        for (PromptPair pair : pairs.list()) {
            targets.add(Target.of(site).positions(counted(pair, excluded)));
        }
        List<int[]> atoms = found.dictionaries().stream()
                .map(measure -> measure.strongest(most))
                .toList();
        List<float[]> directions = new ArrayList<>();
        float[] drawn = DictionaryStability.random(random, found.width(), seed);
        for (int r = 0; r < random; r++) {
            directions.add(unit(Arrays.copyOfRange(drawn, r * found.width(), (r + 1) * found.width())));
        }
        for (int i = 0; i < atoms.size(); i++) {
            DictionaryMeasure measure = found.dictionaries().get(i);
            Arrays.stream(atoms.get(i)).mapToObj(measure::direction).forEach(directions::add);
        }
        double[][] changes = changes(model, pairs, targets, directions, (float) (STEERED * found.scale()));
        List<FeatureTests> tests = new ArrayList<>();
        int first = random;
        for (int i = 0; i < atoms.size(); i++) {
            String name = found.dictionaries().get(i).name();
            tests.add(of(name, atoms.get(i), pairs, site, changes, first, random));
            first += atoms.get(i).length;
        }
        return List.copyOf(tests);
    }

    private static int[] counted(PromptPair pair, Set<Integer> excluded) {
        int[] clean = pair.clean();
        int[] positions = IntStream.range(0, clean.length)
                .filter(position -> !excluded.contains(clean[position]))
                .toArray();
        if (positions.length == 0) {
            throw new BadInputException(Printable.plain(pair.name()) + " has no token that counts");
        }
        return positions;
    }

    private static float[] unit(float[] vector) {
        double squares = 0;
        for (float value : vector) {
            squares += (double) value * value;
        }
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) (vector[i] / Math.sqrt(squares));
        }
        return vector;
    }

    /** Absolute changes of the logit difference, {@code [edit * directions + direction][pair]}. */
    private static double[][] changes(
            Gpt2 model, PromptPairs pairs, List<Target> targets, List<float[]> directions, float step) {
        int n = pairs.size();
        List<SequenceEdit> edits = new ArrayList<>();
        for (int s = 0; s < n; s++) {
            edits.add(SequenceEdit.of(s, Intervention.scale(targets.get(s), 1)));
        }
        for (int edit = 0; edit < EDITS.size(); edit++) {
            for (float[] direction : directions) {
                for (int s = 0; s < n; s++) {
                    Target target = targets.get(s);
                    edits.add(SequenceEdit.of(
                            s,
                            edit == 0
                                    ? Intervention.projectOut(target, Direction.of(direction))
                                    : Intervention.add(target, step, direction)));
                }
            }
        }
        double[] metric = new double[edits.size()];
        BaseRun.record(model, pairs.clean(model.config()))
                .rerun(edits)
                .forEach(result ->
                        metric[result.edit()] = pairs.get(result.sequence()).logitDifference(result.row(0)));
        double[][] changes = new double[EDITS.size() * directions.size()][n];
        for (int i = 0; i < changes.length; i++) {
            for (int s = 0; s < n; s++) {
                changes[i][s] = Math.abs(metric[(i + 1) * n + s] - metric[s]);
            }
        }
        return changes;
    }

    private static FeatureTests of(
            String dictionary,
            int[] atoms,
            PromptPairs pairs,
            HookPoint site,
            double[][] changes,
            int first,
            int random) {
        int n = pairs.size();
        int cells = EDITS.size() * atoms.length;
        double[] values = new double[cells * n];
        double[] reference = new double[cells * n];
        double[] asMuch = new double[cells];
        for (int cell = 0; cell < cells; cell++) {
            int from = cell / atoms.length * (changes.length / EDITS.size());
            double[] own = changes[from + first + cell % atoms.length];
            System.arraycopy(own, 0, values, cell * n, n);
            double[] sums = new double[random];
            for (int r = 0; r < random; r++) {
                double[] other = changes[from + r];
                for (int s = 0; s < n; s++) {
                    reference[cell * n + s] += other[s] / random;
                }
                sums[r] = Arrays.stream(other).sum();
            }
            asMuch[cell] = RandomDirections.asMuch(Arrays.stream(own).sum(), sums);
        }
        List<String> labels = Arrays.stream(atoms).mapToObj(String::valueOf).toList();
        ResultTable effects = ResultTable.of(
                        "Change of the logit difference when a feature is edited: " + dictionary,
                        "absolute change of logit difference",
                        "logits",
                        List.of(new Axis("edit", EDITS), new Axis("atom", labels)),
                        pairs.names(),
                        values)
                .from(site + ", the atoms of the largest mean square first")
                .ofSamples("pairs")
                .ofUnits(pairs.units().orElse(Units.each(n)))
                .neutralAt(0)
                .comparedWith("random directions of the same length", reference);
        return new FeatureTests(dictionary, atoms, effects, asMuch, random);
    }

    /** The edits, in the order of the table. */
    public static List<String> edits() {
        return EDITS;
    }

    /** Returns whether an edit of an atom does more than random directions do. */
    public boolean isUsed(int edit, int atom) {
        int cell = effects.cell(edit, atom);
        return RandomDirections.isUsed(effects, cell, asMuch[cell]);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
