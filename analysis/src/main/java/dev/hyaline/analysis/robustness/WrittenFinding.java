package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.causal.Baselines;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.HeadGap;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.RecordText;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A table or a circuit that a command wrote as JSON: what made it, and the effects by which it is known again.
 *
 * @param title of a table; of a circuit the method that scored its edges, empty if it is not told
 * @param quantity what a table measures; empty of a circuit
 * @param axes of a table; none of a circuit
 * @param tokens of the table's samples, of a table that tells them
 * @param effects mean effects by component: {@code a1.h3} in a table of layers and heads, else the labels of the cell;
 *     of a circuit the scores of edges
 */
public record WrittenFinding(
        String file, String title, String quantity, List<Axis> axes, List<int[]> tokens, Map<String, Double> effects) {
    /** What can be read, for messages. */
    static final String EXPECTED = "a table of ablate, patch, attribute, lens or heads, or a circuit";

    private static final double TOLERANCE = 1e-6;
    private static final int MAX_BYTES = 1 << 28;

    public WrittenFinding {
        axes = List.copyOf(axes);
        tokens = List.copyOf(tokens);
        effects = Map.copyOf(effects);
    }

    /**
     * Reads a table, or a circuit with the scores of its edges.
     *
     * @throws BadInputException if it is neither, or has no effects, as a table of a single pair
     */
    public static WrittenFinding read(Path file) {
        Json root;
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            root = Json.readObject(InputErrors.INSTANCE, file.toString(), input.readAll(MAX_BYTES));
        }
        if (root.get("axes").isPresent()) {
            return table(file, root);
        }
        Json edges = root.get("edges")
                .orElseThrow(() -> new BadInputException(file + ": expected " + EXPECTED + ", found neither"));
        return circuit(file, root, edges);
    }

    private static WrittenFinding table(Path file, Json table) {
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
        String title = table.require("title").string();
        if (WrittenMethod.isMatrixOfEdges(title, axes)) {
            List<Integer> known = IntStream.range(0, cells)
                    .filter(cell -> !values.get(cell).isNull())
                    .boxed()
                    .toList();
            return table(
                    file,
                    table,
                    List.of(WrittenMethod.edges(axes, known)),
                    known.stream().map(values::get).toList());
        }
        return table(file, table, axes, values);
    }

    private static WrittenFinding table(Path file, Json table, List<Axis> axes, List<Json> values) {
        Map<String, Double> effects = new LinkedHashMap<>();
        boolean attention = isOfAttention(table.require("title").string());
        for (int cell = 0; cell < values.size(); cell++) {
            if (!values.get(cell).isNull()) {
                effects.put(
                        WrittenMethod.component(axes, cell), values.get(cell).number());
            } else if (!attention) {
                throw new BadInputException(file + ": a cell has no effect; the table is of a single sample, or not"
                        + " every sample has a value");
            }
        }
        if (effects.isEmpty()) {
            throw new BadInputException(file + ": no cell has an effect; the table is of a single sample");
        }
        List<int[]> tokens = table.get("tokens").map(Json::elements).orElse(List.of()).stream()
                .map(sample -> sample.elements().stream()
                        .mapToInt(token -> token.integer(0, Integer.MAX_VALUE))
                        .toArray())
                .toList();
        return new WrittenFinding(
                file.toString(),
                table.require("title").string(),
                table.get("quantity").map(Json::string).orElse(""),
                axes,
                tokens,
                effects);
    }

    /** The file that the command circuit prints all of, or the graph alone, which does not name its method. */
    private static WrittenFinding circuit(Path file, Json root, Json edges) {
        Map<String, Double> scores = new LinkedHashMap<>();
        if (edges.isObject()) {
            edges.forEachField((name, edge) -> scored(edge).ifPresent(score -> scores.put(name, score)));
        } else {
            edges.elements()
                    .forEach(edge -> scored(edge)
                            .ifPresent(score -> scores.put(edge.require("edge").string(), score)));
        }
        if (scores.isEmpty()) {
            throw new BadInputException(file + ": no edge has a score");
        }
        String method = root.get("scores").map(Json::string).orElse("");
        return new WrittenFinding(file.toString(), method, "", List.of(), List.of(), scores);
    }

    private static Optional<Double> scored(Json edge) {
        if (!edge.isObject()) {
            return Optional.empty();
        }
        return edge.get("score")
                .filter(score -> !score.isNull() && !score.toString().contains("NaN"))
                .map(Json::number);
    }

    /** Returns whether it is a circuit, whose edges have scores. */
    public boolean isCircuit() {
        return axes.isEmpty();
    }

    /** Returns whether it is of attention patterns, which prompts have, and not pairs of them. */
    public boolean isOfAttention() {
        return isOfAttention(title);
    }

    private static boolean isOfAttention(String title) {
        return title.equals(HeadScores.TITLE) || AttentionStatistics.isTitle(title);
    }

    /**
     * The method that made it, as far as its title says.
     *
     * @throws BadInputException if it cannot be repeated, or finds something else on these pairs, as if the model, the
     *     pairs or the metric are others than it was made with
     */
    public Method method(Subject subject) {
        List<? extends Method> possible =
                isCircuit() ? List.of(scoring()) : WrittenMethod.of(file, title, axes, subject.pairs());
        BadInputException different = null;
        for (Method method : possible) {
            try {
                requireSameAs(method, subject, method.run(subject));
                return method;
            } catch (BadInputException e) {
                different = different == null ? e : different;
            }
        }
        throw different == null ? new BadInputException(file + " cannot be repeated") : different;
    }

    private Method scoring() {
        return BuiltInMethod.ofScores(title)
                .orElseThrow(() -> new BadInputException(file
                        + (title.isEmpty()
                                ? " does not say how its edges were scored; name the method, or give circuit.json"
                                : ": scores by " + title + " cannot be repeated under variations")
                        + "; a circuit alone is kept under those of any method"));
    }

    /**
     * Checks that a method finds the same again, up to the sign by which an ablation's effect is a loss, and the scale
     * of a normalised table.
     *
     * @param finding of the method on the subject
     * @throws BadInputException naming the component that differs most
     */
    public void requireSameAs(Method method, Subject subject, Finding finding) {
        requireSameAs(method.title(), scale(method, subject), finding);
    }

    /**
     * Checks that what is called so finds the same again, on a scale on which written effects are so many times as
     * large.
     */
    void requireSameAs(String method, double scale, Finding finding) {
        List<Integer> compared = IntStream.range(0, finding.components().size())
                .filter(c ->
                        !isCircuit() || effects.containsKey(finding.components().get(c)))
                .boxed()
                .toList();
        if (compared.isEmpty()) {
            throw new BadInputException(file + " is not what " + method + " finds: it has scores of other"
                    + " components, such as "
                    + effects.keySet().stream().sorted().findFirst().orElse("none"));
        }
        double[] scores = finding.scores();
        List<Integer> plain = different(finding, scores, compared, scale);
        List<Integer> turned = different(finding, scores, compared, -scale);
        if (plain.isEmpty() || turned.isEmpty()) {
            return;
        }
        double product = 0;
        for (int c : compared) {
            double sign = Math.signum(written(finding, c) * scale * scores[c]);
            product += Double.isNaN(sign) ? 0 : sign * Math.abs(scores[c]);
        }
        double turn = product < 0 ? -scale : scale;
        List<Integer> different = product < 0 ? turned : plain;
        int worst = different.stream()
                .max(Comparator.comparingDouble(c -> {
                    double distance = Math.abs(written(finding, c) * turn - scores[c]);
                    return Double.isNaN(distance) ? Double.MAX_VALUE : distance;
                }))
                .orElseThrow();
        throw new BadInputException(file + " is not what " + method + " finds on these pairs: "
                + different.size() + " of " + compared.size() + " effects differ, most that of "
                + finding.components().get(worst) + ", "
                + figures(written(finding, worst), scores[worst] / turn)
                + "; give the model, prompts and metric that it was made with");
    }

    private List<Integer> different(Finding finding, double[] scores, List<Integer> compared, double scale) {
        return compared.stream()
                .filter(c -> !(Math.abs(written(finding, c) * scale - scores[c])
                        <= TOLERANCE * Math.max(1, Math.abs(scores[c]))))
                .toList();
    }

    private double written(Finding finding, int component) {
        return effects.getOrDefault(finding.components().get(component), Double.NaN);
    }

    /** Two numbers, with as many digits as tell them apart. */
    private static String figures(double there, double here) {
        if (Double.isNaN(there)) {
            return "which is not there";
        }
        for (int digits = 3; digits < 17; digits++) {
            String one = String.format(Locale.ROOT, "%." + digits + "g", there);
            String other = String.format(Locale.ROOT, "%." + digits + "g", here);
            if (!one.equals(other)) {
                return one + " there and " + other + " here";
            }
        }
        return there + " there and " + here + " here";
    }

    /** What a table's effects were divided by. */
    private double scale(Method method, Subject subject) {
        if (quantity.endsWith(Baselines.NORMALISED)) {
            return experiment(subject).baselines().gap();
        }
        if (quantity.endsWith(HeadGap.SHARE)) {
            HeadGap gap = HeadGap.measure(experiment(subject), method.ablation());
            return gap.full() - gap.empty();
        }
        return 1;
    }

    private static Experiment experiment(Subject subject) {
        return Experiment.start(subject.model(), subject.pairs(), subject.metric());
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
