package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitPicture;
import dev.hyaline.analysis.circuit.CircuitRecovery;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.CurvePicture;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.GraphFile;
import dev.hyaline.analysis.circuit.ScoreStability;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.TTest;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.PartialFile;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/**
 * A circuit that was found and judged: what is printed of it, and its files.
 *
 * @param origin where the circuit comes from, such as {@code eap-ig of 5 steps}
 * @param asked edges that were selected, before pruning; 0 if there was no selection
 * @param scores of all edges
 * @param effects the exact effects of the circuit's edges on the pairs it is judged on, {@code [edges][pairs]}
 * @param signed curves of the scores and of random ones, by score
 * @param absolute the same, by absolute score
 * @param roles of the circuit's nodes
 */
public record CircuitReport(
        String model,
        List<Map<String, String>> modelFiles,
        List<String> command,
        String origin,
        CircuitExperiment found,
        CircuitExperiment judged,
        CircuitSelection selection,
        int asked,
        long seed,
        EdgeScores scores,
        CircuitEvaluation evaluation,
        ClaimsReport claims,
        double[][] effects,
        List<CircuitCurve> signed,
        List<CircuitCurve> absolute,
        Optional<ScoreStability> stability,
        Optional<CircuitRecovery> recovery,
        Optional<CircuitRecovery> signedRecovery,
        NodesReport nodes,
        NodeRoles roles) {
    private static final int EDGES_SHOWN = 20;
    private static final double TAIL = 0.025;

    private Circuit circuit() {
        return evaluation.circuit();
    }

    private String title() {
        return "Circuit of " + model + " by " + origin;
    }

    private String note() {
        return judged.metric().quantity() + ", " + judged.ablation().description() + " ablation, "
                + judged.pairs().size() + " pairs: alone it keeps "
                + TableView.figure(evaluation.faithfulness()) + " of what the whole model does";
    }

    /** Prints it for people. */
    public void show(Console console) {
        boolean same = found.pairs().equals(judged.pairs());
        StudyHeading.print(
                console,
                model,
                found.pairs(),
                (same
                                ? " to find the circuit and to judge it"
                                : " to find the circuit, " + judged.pairs().size() + " others to judge it")
                        + ", " + judged.metric().quantity() + ": clean " + TableView.figure(evaluation.meanFull())
                        + ", all edges ablated " + TableView.figure(evaluation.meanEmpty()));
        console.out()
                .println(console.bold("Circuit by " + origin) + "  "
                        + console.dim(judged.ablation().description() + " ablation, input = "
                                + judged.input().toString().replace('-', ' ')));
        console.out()
                .println(circuit().nodes().size() + " nodes and " + circuit().size() + " of "
                        + DisplayText.count(circuit().graphSize()) + " edges"
                        + (asked > 0 && asked != circuit().size()
                                ? " (" + asked + " selected by " + selection + ", then pruned)"
                                : ""));
        console.out().println();
        showNodes(console);
        console.out().println();
        nodes.show(console);
        showEdges(console);
        console.out().println();
        showEvaluation(console);
    }

    private void showNodes(Console console) {
        Table table = new Table("role", "node", "reads most from", "writes most to");
        roles.groups().forEach((role, nodes) -> {
            for (Node node : nodes) {
                table.row(
                        node.equals(nodes.getFirst()) ? role : "",
                        node.toString(),
                        largest(circuit().edges().stream()
                                        .filter(edge -> edge.receiver().node().equals(node))
                                        .toList())
                                .map(edge -> edge.sender() + part(edge))
                                .orElse("-"),
                        largest(circuit().edges().stream()
                                        .filter(edge -> edge.sender().equals(node))
                                        .toList())
                                .map(edge -> edge.receiver().toString())
                                .orElse("-"));
            }
        });
        table.print(console);
    }

    private static String part(Edge edge) {
        return edge.receiver().toString().endsWith(">")
                ? " (" + edge.receiver().part().name().toLowerCase(Locale.ROOT) + ")"
                : "";
    }

    private Optional<Edge> largest(List<Edge> edges) {
        return edges.stream().max(Comparator.comparingDouble(edge -> Math.abs(scores.of(edge))));
    }

    private void showEdges(Console console) {
        List<Edge> edges = circuit().edges();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < edges.size(); i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingDouble(i -> -Math.abs(scores.of(edges.get(i)))));
        Table table = new Table("edge", ">score", ">exact effect", ">95 % interval");
        order.stream().limit(EDGES_SHOWN).forEach(i -> {
            double[] effect = effects[i];
            table.row(
                    edges.get(i).toString(),
                    TableView.figure(scores.of(edges.get(i))),
                    TableView.figure(mean(effect)),
                    range(effect));
        });
        table.print(console);
        if (edges.size() > EDGES_SHOWN) {
            console.out().println(console.dim("the " + EDGES_SHOWN + " with the largest scores"));
        }
    }

    private static double mean(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    private static Optional<Interval> interval(double[] values) {
        return TTest.of(values, Units.each(values.length)).map(test -> test.interval(TAIL));
    }

    private static String range(double[] values) {
        return interval(values)
                .map(range -> TableView.figure(range.low()) + " to " + TableView.figure(range.high()))
                .orElse("-");
    }

    private void showEvaluation(Console console) {
        Table table = new Table("", ">" + judged.metric().name(), ">95 % interval", ">faithfulness");
        table.row("the whole model", TableView.figure(evaluation.meanFull()), range(evaluation.full()), "1");
        table.row(
                "the circuit alone",
                TableView.figure(evaluation.meanKept()),
                range(evaluation.kept()),
                TableView.figure(evaluation.faithfulness()));
        table.row(
                "the model without it",
                TableView.figure(evaluation.meanComplement()),
                range(evaluation.complement()),
                TableView.figure(evaluation.complementFaithfulness()));
        table.row("every edge ablated", TableView.figure(evaluation.meanEmpty()), range(evaluation.empty()), "0");
        table.print(console);
        console.out().println();
        claims.show(console);
        console.out().println();
        CircuitCurve curve = signed.getFirst();
        CircuitCurve random = signed.getLast();
        Table sizes = new Table(">of the edges", ">asked", ">kept", ">faithfulness", ">random scores");
        for (int i = 0; i < curve.points().size(); i++) {
            CircuitCurve.Point point = curve.points().get(i);
            sizes.row(
                    String.format(Locale.ROOT, "%s %%", percent(point.fraction())),
                    String.valueOf(point.asked()),
                    String.valueOf(point.kept()),
                    TableView.figure(point.faithfulness()),
                    TableView.figure(random.points().get(i).faithfulness()));
        }
        sizes.print(console);
        console.out().println();
        Table areas = new Table("area of the curve", ">CPR", ">CMD", ">under, absolute", ">from 1, by score");
        for (int i = 0; i < signed.size(); i++) {
            areas.row(
                    signed.get(i).method(),
                    TableView.figure(signed.get(i).area()),
                    TableView.figure(absolute.get(i).areaFromOne()),
                    TableView.figure(absolute.get(i).area()),
                    TableView.figure(signed.get(i).areaFromOne()));
        }
        areas.print(console);
        console.out()
                .println(console.dim("CPR: under the curve by score, .999 or more at best; CMD: from 1, by absolute"
                        + " score, 0 at best"));
        stability.ifPresent(found -> console.out()
                .println("Stability: circuits from resampled pairs share "
                        + TableView.figure(found.bootstrap().meanPairwise())
                        + " of their edges (Jaccard), those from halves of the pairs "
                        + TableView.figure(found.halves())));
        recovery.ifPresent(absoluteScores -> signedRecovery.ifPresent(signedScores -> console.out()
                .println("Known circuit: AUROC " + TableView.figure(absoluteScores.auroc())
                        + " by absolute score, " + TableView.figure(signedScores.auroc())
                        + " by score, " + TableView.figure(absoluteScores.mib()) + " as MIB computes it;"
                        + " average precision " + TableView.figure(absoluteScores.averagePrecision()))));
    }

    private static String percent(double fraction) {
        double percent = fraction * 100;
        return Math.abs(percent - Math.rint(percent)) < 1e-9
                ? String.valueOf(Math.round(percent))
                : String.format(Locale.ROOT, "%.1f", percent);
    }

    /** The names of the files, as those of tables. */
    public static String[] names() {
        return new String[] {"graph", "circuit", "nodes", "edges", "curve", "positions", "neurons"};
    }

    /** Writes the files: none appears before all contents are made. */
    public void write(Console console, Path folder, boolean quiet) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("graph.json", bytes(GraphFile.of(circuit(), scores).json()));
        files.put("circuit.json", JsonText.indented(json -> object(json, this::writeJson)));
        nodes.files().forEach((name, content) -> files.put(name, bytes(content)));
        files.put("edges.csv", bytes(edgesCsv()));
        files.put("curve.csv", bytes(curveCsv()));
        List<CircuitCurve> plotted = new ArrayList<>(signed);
        CurvePicture plot = CurvePicture.of(title() + ": faithfulness", plotted);
        files.put("curve.svg", bytes(plot.svg()));
        files.put("curve.png", plot.png());
        if (CircuitPicture.fits(circuit())) {
            CircuitPicture picture = CircuitPicture.of(circuit(), scores, title(), note());
            files.put("circuit.svg", bytes(picture.svg()));
            files.put("circuit.png", picture.png());
            files.put("circuit.dot", bytes(picture.dot()));
        }
        files.forEach((name, content) -> {
            Path file = folder.resolve(name);
            try {
                PartialFile.write(file, content);
            } catch (IOException e) {
                throw FileException.writing(file, e);
            }
        });
        if (!quiet) {
            console.out().println("Wrote " + String.join(", ", files.keySet()));
            console.out().println("to " + folder);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String edgesCsv() {
        StringBuilder csv = new StringBuilder("edge,score,in_circuit,exact_effect,low,high\n");
        List<Edge> kept = circuit().edges();
        double[] values = scores.values();
        List<Edge> all = Circuit.full(scores.config()).edges();
        for (int e = 0; e < values.length; e++) {
            int at = kept.indexOf(all.get(e));
            csv.append(all.get(e)).append(',').append(values[e]).append(',').append(at >= 0);
            if (at >= 0) {
                csv.append(',').append(mean(effects[at]));
                csv.append(interval(effects[at])
                        .map(range -> "," + range.low() + "," + range.high())
                        .orElse(",,"));
            } else {
                csv.append(",,,");
            }
            csv.append('\n');
        }
        return csv.toString();
    }

    private String curveCsv() {
        StringBuilder csv = new StringBuilder("scores,selection,fraction,asked,kept,metric,faithfulness\n");
        List<CircuitCurve> curves = new ArrayList<>(signed);
        curves.addAll(absolute);
        for (CircuitCurve curve : curves) {
            for (CircuitCurve.Point point : curve.points()) {
                csv.append('"')
                        .append(curve.method())
                        .append("\",")
                        .append(curve.selection())
                        .append(',')
                        .append(point.fraction())
                        .append(',')
                        .append(point.asked())
                        .append(',')
                        .append(point.kept())
                        .append(',')
                        .append(point.metric())
                        .append(',')
                        .append(point.faithfulness())
                        .append('\n');
            }
        }
        return csv.toString();
    }

    private static void object(JsonGenerator json, Consumer<JsonGenerator> properties) {
        json.writeStartObject();
        properties.accept(json);
        json.writeEndObject();
    }

    /** Writes everything that is known of it, and all that is needed to find it again. */
    public void writeJson(JsonGenerator json) {
        json.writeStringProperty("model", model);
        json.writeArrayPropertyStart("model_files");
        for (Map<String, String> file : modelFiles) {
            json.writeStartObject();
            file.forEach(json::writeStringProperty);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("command");
        command.forEach(json::writeString);
        json.writeEndArray();
        json.writeStringProperty("method", origin);
        json.writeStringProperty("scores", scores.method());
        json.writeStringProperty("metric", judged.metric().name());
        json.writeStringProperty("direction", "noising");
        json.writeStringProperty("ablation", judged.ablation().description());
        json.writeStringProperty("input", judged.input().toString());
        json.writeStringProperty("selection", selection.toString());
        json.writeNumberProperty("edges_asked", asked);
        json.writeNumberProperty("edges_of_graph", circuit().graphSize());
        json.writeNumberProperty("seed", seed);
        pairs(json, "pairs_found_on", found.pairs());
        pairs(json, "pairs_judged_on", judged.pairs());
        json.writeArrayPropertyStart("nodes");
        circuit()
                .nodes()
                .forEach(node -> object(json, of -> {
                    of.writeStringProperty("node", node.toString());
                    of.writeStringProperty("role", roles.of(node));
                    if (roles.kinds().containsKey(node)) {
                        of.writeStringProperty("looks_at", roles.kinds().get(node));
                    }
                }));
        json.writeEndArray();
        json.writeArrayPropertyStart("edges");
        List<Edge> edges = circuit().edges();
        for (int i = 0; i < edges.size(); i++) {
            json.writeStartObject();
            json.writeStringProperty("edge", edges.get(i).toString());
            JsonOutput.number(json, "score", scores.of(edges.get(i)));
            JsonOutput.number(json, "exact_effect", mean(effects[i]));
            Optional<Interval> range = interval(effects[i]);
            JsonOutput.number(json, "low", range.map(Interval::low).orElse(Double.NaN));
            JsonOutput.number(json, "high", range.map(Interval::high).orElse(Double.NaN));
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeObjectPropertyStart("evaluation");
        JsonOutput.number(json, "full", evaluation.meanFull());
        JsonOutput.number(json, "empty", evaluation.meanEmpty());
        JsonOutput.number(json, "circuit", evaluation.meanKept());
        JsonOutput.number(json, "complement", evaluation.meanComplement());
        JsonOutput.number(json, "faithfulness", evaluation.faithfulness());
        JsonOutput.number(json, "complement_faithfulness", evaluation.complementFaithfulness());
        json.writeEndObject();
        claims.writeJson(json);
        nodes.writeJson(json);
        json.writeArrayPropertyStart("curves");
        for (int i = 0; i < signed.size(); i++) {
            json.writeStartObject();
            json.writeStringProperty("scores", signed.get(i).method());
            JsonOutput.number(json, "cpr", signed.get(i).area());
            JsonOutput.number(json, "cmd", absolute.get(i).areaFromOne());
            JsonOutput.number(json, "area_absolute", absolute.get(i).area());
            JsonOutput.number(json, "area_from_1_signed", signed.get(i).areaFromOne());
            json.writeEndObject();
        }
        json.writeEndArray();
        stability.ifPresent(found -> {
            json.writeObjectPropertyStart("stability");
            JsonOutput.number(json, "bootstrap_jaccard", found.bootstrap().meanPairwise());
            JsonOutput.number(json, "halves_jaccard", found.halves());
            JsonOutput.number(json, "halves_spearman", found.halvesSpearman());
            json.writeEndObject();
        });
        recovery.ifPresent(absoluteScores -> signedRecovery.ifPresent(signedScores -> {
            json.writeObjectPropertyStart("known_circuit");
            JsonOutput.number(json, "auroc_absolute", absoluteScores.auroc());
            JsonOutput.number(json, "auroc_signed", signedScores.auroc());
            JsonOutput.number(json, "auroc_mib", absoluteScores.mib());
            JsonOutput.number(json, "average_precision_absolute", absoluteScores.averagePrecision());
            JsonOutput.number(json, "average_precision_signed", signedScores.averagePrecision());
            json.writeEndObject();
        }));
    }

    private static void pairs(JsonGenerator json, String name, PromptPairs pairs) {
        json.writeArrayPropertyStart(name);
        for (PromptPair pair : pairs.list()) {
            json.writeStartObject();
            JsonOutput.numbers(json, "clean", pair.clean());
            JsonOutput.numbers(json, "corrupted", pair.corrupted());
            JsonOutput.numbers(json, "answer", pair.answers());
            JsonOutput.numbers(json, "distractor", pair.distractors());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
