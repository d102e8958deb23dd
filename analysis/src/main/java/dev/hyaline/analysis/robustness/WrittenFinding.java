package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The effects in a table of layers and heads that a command wrote as JSON, by which a finding is known again.
 *
 * @param effects mean effects by head, such as {@code a1.h3}
 */
public record WrittenFinding(String file, Map<String, Double> effects) {
    private static final double TOLERANCE = 1e-6;
    private static final int MAX_BYTES = 1 << 28;

    public WrittenFinding {
        effects = Map.copyOf(effects);
    }

    /**
     * Reads a table.
     *
     * @throws BadInputException if it is not one of layers and heads, or has no effects, as a table of a single pair
     */
    public static WrittenFinding read(Path file) {
        Json table;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            table = Json.readObject(InputErrors.INSTANCE, file.toString(), input.readAll(MAX_BYTES));
        }
        List<Json> axes = table.require("axes").elements();
        if (axes.size() != 2
                || !axes.get(0).require("name").string().equals("layer")
                || !axes.get(1).require("name").string().equals("head")) {
            throw new BadInputException(
                    file + ": expected a table of layers and heads, as ablate, patch and attribute write");
        }
        List<Json> layers = axes.get(0).require("labels").elements();
        List<Json> heads = axes.get(1).require("labels").elements();
        List<Json> values = table.require("statistics").require("effect").elements();
        Map<String, Double> effects = new LinkedHashMap<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            for (int head = 0; head < heads.size(); head++) {
                Json value = values.get(layer * heads.size() + head);
                if (value.isNull()) {
                    throw new BadInputException(file + ": the table has no effects; it is of a single pair");
                }
                effects.put(
                        "a" + layers.get(layer).string() + ".h"
                                + heads.get(head).string(),
                        value.number());
            }
        }
        return new WrittenFinding(file.toString(), effects);
    }

    /**
     * Checks that a method finds the same again, up to the sign by which an ablation's effect is a loss.
     *
     * @throws BadInputException naming a component that differs
     */
    public void requireSameAs(Finding finding) {
        double[] scores = finding.scores();
        for (int sign : new int[] {1, -1}) {
            boolean same = true;
            for (int c = 0; c < scores.length; c++) {
                same &= isSame(finding.components().get(c), sign * scores[c]);
            }
            if (same) {
                return;
            }
        }
        for (int c = 0; c < scores.length; c++) {
            String component = finding.components().get(c);
            if (!isSame(component, scores[c]) && !isSame(component, -scores[c])) {
                throw new BadInputException(file + " is not what this method finds on these pairs: the effect of "
                        + component + " is " + effects.getOrDefault(component, Double.NaN) + " there and " + scores[c]
                        + " here; give the method, model, pairs and metric that it was made with");
            }
        }
        throw new BadInputException(file + " is not what this method finds on these pairs: signs differ");
    }

    private boolean isSame(String component, double score) {
        double written = effects.getOrDefault(component, Double.NaN);
        return Math.abs(written - score) <= TOLERANCE * Math.max(1, Math.abs(score));
    }
}
