package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kind that a head is of.
 *
 * @param type the kind with the highest score; null if that is below the threshold
 * @param score mean share of attention on that kind's keys
 * @param standardError of the score, over prompts or draws; NaN of one
 * @param margin the score's lead over the next kind's; the score itself if there is no other
 */
public record HeadClass(int layer, int head, @Nullable String type, double score, double standardError, double margin) {

    /**
     * Classifies every head, layer by layer.
     *
     * @param scores of {@link HeadScores}: {@code [type, layer, head]}; a type that is NaN for a head is left out
     * @param threshold the least score that makes a head one of a kind
     * @throws BadInputException if the table has other axes, or the threshold is not between 0 and 1
     */
    public static List<HeadClass> classify(ResultTable scores, double threshold) {
        if (scores.axes().size() != 3 || !scores.axes().getFirst().name().equals("type")) {
            throw new BadInputException("expected scores by type, layer and head, found " + scores);
        }
        if (!(threshold >= 0 && threshold <= 1)) {
            throw new BadInputException("the threshold of a head's score must be from 0 to 1, found " + threshold);
        }
        List<HeadClass> classes = new ArrayList<>();
        for (int layer = 0; layer < scores.axes().get(1).size(); layer++) {
            for (int head = 0; head < scores.axes().get(2).size(); head++) {
                classes.add(classify(scores, layer, head, threshold));
            }
        }
        return List.copyOf(classes);
    }

    private static HeadClass classify(ResultTable scores, int layer, int head, double threshold) {
        int best = -1;
        double score = 0;
        double second = 0;
        for (int type = 0; type < scores.axes().getFirst().size(); type++) {
            double candidate = scores.meanAt(type, layer, head);
            if (candidate > score) {
                second = score;
                score = candidate;
                best = type;
            } else if (candidate > second) {
                second = candidate;
            }
        }
        String type = best < 0 || score < threshold
                ? null
                : scores.axes().getFirst().labels().get(best);
        double error = best < 0 ? Double.NaN : scores.standardError(scores.cell(best, layer, head));
        return new HeadClass(layer, head, type, score, error, score - second);
    }
}
