package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What erasing a concept at one layer and position does to the probe there, and to what the model says. Both are judged
 * on prompts whose fold the erasing map was not fitted on. A model that has the concept at other positions or layers
 * too can lose the probe and keep its behaviour.
 *
 * @param before the probe as it was
 * @param after the probe fitted anew on erased rows
 * @param dimensions how many the first fold's map takes away
 * @param behaviour null if the prompts have no answers
 */
public record ErasedStudy(
        ProbeStudy.Cell cell,
        HeldOut before,
        HeldOut after,
        int dimensions,
        @Nullable LogitDifferences behaviour) {

    /**
     * The answers' mean logit less the distractors', one for each prompt.
     *
     * @param before of the model as it is
     * @param after with the map as an edit of that position
     */
    public record LogitDifferences(double[] before, double[] after) {
        /** The share of prompts whose answer is above its distractor. */
        public static double right(double[] differences) {
            return IntStream.range(0, differences.length)
                            .filter(i -> differences[i] > 0)
                            .count()
                    / (double) differences.length;
        }

        public double meanBefore() {
            return Sums.mean(before);
        }

        public double meanAfter() {
            return Sums.mean(after);
        }

        @Override
        public boolean equals(Object other) {
            return other == this;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * Erases at every cell of a study by itself.
     *
     * @param pairs whose clean prompts the study's prompts are, in their order; null if they are not of pairs
     * @throws BadInputException if a pair has no distractor
     */
    public static List<ErasedStudy> of(
            Gpt2 model, @Nullable PromptPairs pairs, ProbeStudy study, ProbeMethod method, Erasure erasure) {
        Folds folds = study.folds();
        int n = study.prompts().prompts().size();
        List<ProbeStudy.Cell> cells = study.cells();
        AffineMap[][] maps = new AffineMap[cells.size()][folds.count()];
        HeldOut[] after = new HeldOut[cells.size()];
        IntStream.range(0, cells.size()).parallel().forEach(i -> {
            LabelledRows rows = cells.get(i).rows();
            int[] next = {0};
            after[i] = HeldOut.of(rows, folds, method, training -> maps[i][next[0]++] = erasure.fit(training));
        });
        double[][] differences = new double[cells.size() + 1][n];
        if (pairs != null) {
            pairs.list().forEach(DirectionTests::requireDistractor);
            List<SequenceEdit> edits = new ArrayList<>();
            for (int s = 0; s < n; s++) {
                edits.add(SequenceEdit.of(
                        s, Intervention.scale(Target.of(cells.getFirst().point()), 1)));
            }
            for (int i = 0; i < cells.size(); i++) {
                ProbeStudy.Cell cell = cells.get(i);
                for (int s = 0; s < n; s++) {
                    Target target =
                            Target.of(cell.point()).positions(study.prompts().positions()[cell.step()][s]);
                    edits.add(SequenceEdit.of(s, maps[i][folds.fold(s)].intervention(target)));
                }
            }
            BaseRun.record(model, study.prompts().prompts())
                    .rerun(edits)
                    .forEach(result -> differences[result.edit() / n][result.sequence()] =
                            pairs.get(result.sequence()).logitDifference(result.row(0)));
        }
        return IntStream.range(0, cells.size())
                .mapToObj(i -> new ErasedStudy(
                        cells.get(i),
                        cells.get(i).label(),
                        after[i],
                        maps[i][0].rank(),
                        pairs == null ? null : new LogitDifferences(differences[0], differences[i + 1])))
                .toList();
    }
}
