package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A table that a command wrote as JSON: what made it, and the effects by which it is known again.
 *
 * @param effects mean effects by component: {@code a1.h3} in a table of layers and heads, else the labels of the cell
 */
public record WrittenFinding(String file, String title, List<Axis> axes, Map<String, Double> effects) {
    private static final double TOLERANCE = 1e-6;
    private static final int MAX_BYTES = 1 << 28;

    public WrittenFinding {
        axes = List.copyOf(axes);
        effects = Map.copyOf(effects);
    }

    /**
     * Reads a table.
     *
     * @throws BadInputException if it is no table, or has no effects, as a table of a single pair
     */
    public static WrittenFinding read(Path file) {
        Json table;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            table = Json.readObject(InputErrors.INSTANCE, file.toString(), input.readAll(MAX_BYTES));
        }
        if (table.get("axes").isEmpty()) {
            throw new BadInputException(file + ": expected a table that ablate, patch, attribute or lens wrote"
                    + (table.get("edges").isPresent() ? ", found a circuit" : ""));
        }
        List<Axis> axes = table.require("axes").elements().stream()
                .map(axis -> new Axis(
                        axis.require("name").string(),
                        axis.require("labels").elements().stream()
                                .map(Json::string)
                                .toList()))
                .toList();
        List<Json> values = table.require("statistics").require("effect").elements();
        int cells = axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
        if (values.size() != cells) {
            throw new BadInputException(
                    file + ": expected " + cells + " effects, one per cell of the axes, found " + values.size());
        }
        Map<String, Double> effects = new LinkedHashMap<>();
        for (int cell = 0; cell < cells; cell++) {
            if (values.get(cell).isNull()) {
                throw new BadInputException(file + ": a cell has no effect; the table is of a single pair, or not every"
                        + " cell has a value");
            }
            effects.put(WrittenMethod.component(axes, cell), values.get(cell).number());
        }
        return new WrittenFinding(file.toString(), table.require("title").string(), axes, effects);
    }

    /**
     * The method that made the table, as far as its title says.
     *
     * @throws BadInputException if it cannot be repeated, or finds something else on these pairs, as if the model, the
     *     pairs or the metric are others than the table was made with
     */
    public Method method(Subject subject) {
        List<WrittenMethod> possible = WrittenMethod.of(file, title, axes, subject.pairs());
        for (WrittenMethod method : possible.subList(1, possible.size())) {
            if (isSameAs(method.run(subject))) {
                return method;
            }
        }
        requireSameAs(possible.getFirst().run(subject));
        return possible.getFirst();
    }

    /**
     * Checks that a method finds the same again, up to the sign by which an ablation's effect is a loss.
     *
     * @throws BadInputException naming a component that differs
     */
    public void requireSameAs(Finding finding) {
        if (isSameAs(finding)) {
            return;
        }
        double[] scores = finding.scores();
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

    private boolean isSameAs(Finding finding) {
        double[] scores = finding.scores();
        return IntStream.of(1, -1)
                .anyMatch(sign -> IntStream.range(0, scores.length)
                        .allMatch(c -> isSame(finding.components().get(c), sign * scores[c])));
    }

    private boolean isSame(String component, double score) {
        double written = effects.getOrDefault(component, Double.NaN);
        return Math.abs(written - score) <= TOLERANCE * Math.max(1, Math.abs(score));
    }
}
