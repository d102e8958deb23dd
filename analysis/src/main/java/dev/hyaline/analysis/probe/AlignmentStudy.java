package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Interchange accuracy of a subspace found by distributed alignment search, at every layer and position of a study,
 * beside baselines. Each of the study's folds is held out in turn: subspaces are fitted on the pairs outside it and
 * judged on those in it, so that every pair is judged once, by subspaces that have not seen it.
 *
 * @param accuracy {@code [subspace, layer, position]}: for each pair 1 if the output follows the source; the subspaces
 *     are {@link #SUBSPACES}, and all but the random ones are compared with these
 */
public record AlignmentStudy(ResultTable accuracy, int dimensions) {
    /**
     * The subspaces compared: the trained one, random ones of as many dimensions (the mean of {@value #RANDOM}), the
     * direction between the class means, the whole space, and one trained with labels permuted among pairs.
     */
    public static final List<String> SUBSPACES = List.of("trained", "random", "mass-mean", "whole space", "permuted");

    private static final int RANDOM = 8;
    private static final int RANDOM_KIND = SUBSPACES.indexOf("random");
    private static final double TAIL = 0.025;

    /**
     * Searches at every cell of a study.
     *
     * @param pairs whose clean prompts the study's prompts are, in their order
     * @param layers what the study's layers are called
     * @throws BadInputException if the label has more than two classes, a pair has no distractor, or a site has fewer
     *     values per token than the subspace dimensions
     */
    public static AlignmentStudy of(
            Gpt2 model, PromptPairs pairs, ProbeStudy study, Axis layers, AlignmentSearch search) {
        if (study.prompts().classes().size() != 2) {
            throw new BadInputException("an alignment search is compared with the direction between two classes, found "
                    + study.prompts().classes().size());
        }
        int n = pairs.size();
        int cells = study.cells().size();
        double[] values = new double[SUBSPACES.size() * cells * n];
        for (int i = 0; i < cells; i++) {
            ProbeStudy.Cell cell = study.cells().get(i);
            Interchanges all =
                    Interchanges.of(model, pairs, cell.point(), study.prompts().positions()[cell.step()]);
            for (int fold = 0; fold < study.folds().count(); fold++) {
                int[] training = study.folds().training(fold);
                int[] unseen = study.folds().test(fold);
                double[][] follows = follows(
                        all.only(training), all.only(unseen), cell.rows().only(training), search);
                for (int kind = 0; kind < follows.length; kind++) {
                    for (int pair = 0; pair < unseen.length; pair++) {
                        values[(kind * cells + i) * n + unseen[pair]] = follows[kind][pair];
                    }
                }
            }
        }
        double[] reference = new double[values.length];
        for (int kind = 0; kind < SUBSPACES.size(); kind++) {
            System.arraycopy(values, RANDOM_KIND * cells * n, reference, kind * cells * n, cells * n);
        }
        // The random subspaces themselves are compared with nothing.
        Arrays.fill(reference, RANDOM_KIND * cells * n, (RANDOM_KIND + 1) * cells * n, Double.NaN);
        ResultTable accuracy = ResultTable.of(
                        "Interchange accuracy on unseen pairs",
                        "accuracy",
                        "",
                        List.of(
                                new Axis("subspace", SUBSPACES),
                                layers,
                                study.prompts().axis()),
                        pairs.names(),
                        values)
                .ofSamples("pairs")
                .ofUnits(study.prompts().types())
                .neutralAt(0)
                .comparedWith("random subspaces of as many dimensions", reference);
        return new AlignmentStudy(accuracy, search.dimensions());
    }

    /**
     * The 95% bootstrap interval of an accuracy, units drawn whole; the subspaces stay as they are.
     *
     * @param subspace its place in {@link #SUBSPACES}
     * @throws BadInputException if the table has no such cell
     */
    public Interval interval(int subspace, int layer, int step, long seed) {
        return Bootstrap.ofMean(
                        accuracy.values(accuracy.cell(subspace, layer, step)),
                        accuracy.units().orElseThrow(),
                        Bootstrap.REPLICATES,
                        CounterRandom.of(seed).named("probe/interchange interval"))
                .percentile(TAIL);
    }

    /** {@code [subspace][pair]}, as the table says. */
    private static double[][] follows(
            Interchanges training, Interchanges unseen, LabelledRows rows, AlignmentSearch search) {
        int d = training.columns();
        double[] direction = new ProbeMethod.MassMean().fit(rows).direction();
        List<InterchangeSubspace> spaces = new ArrayList<>();
        spaces.add(search.fit(training));
        spaces.add(search.fitPermuted(training));
        spaces.add(InterchangeSubspace.whole(d));
        // Class means without a difference leave nothing to exchange along; then any direction stands for none.
        spaces.add(Vectors.norm(direction) > 0 ? InterchangeSubspace.of(direction) : search.random(d, 0));
        for (int draw = 0; draw < RANDOM; draw++) {
            spaces.add(search.random(d, draw));
        }
        double[][] differences = unseen.follow(spaces);
        double[] random = new double[unseen.size()];
        for (int draw = 0; draw < RANDOM; draw++) {
            Vectors.add(random, 0, 1.0 / RANDOM, Interchanges.follows(differences[4 + draw]), 0, random.length);
        }
        return new double[][] {
            Interchanges.follows(differences[0]),
            random,
            Interchanges.follows(differences[3]),
            Interchanges.follows(differences[2]),
            Interchanges.follows(differences[1])
        };
    }
}
