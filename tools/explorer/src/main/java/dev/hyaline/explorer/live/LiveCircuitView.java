package dev.hyaline.explorer.live;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CircuitView;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The circuit of a {@link LivePair}: all edges scored by a {@code method} on a {@code metric}, and the faithfulness of
 * circuits of them by size. {@code size} asks for the faithfulness of one more, of this many edges, alone. Without
 * {@code method} there is no circuit: what the page needs for its form.
 */
final class LiveCircuitView implements LiveView {
    private static final String METHOD = "method";
    private static final String SIZE = "size";
    private static final List<String> METHODS = List.of("eap-ig", "eap", "exact");
    private static final int STEPS = 5;

    /** The share of all edges that the circuit has, as the command keeps by default. */
    private static final double SHARE = 0.02;

    /** A circuit that was found, of which other sizes may be asked for. */
    record Found(
            LivePair pair,
            String method,
            Metric metric,
            CircuitExperiment experiment,
            EdgeScores scores,
            CircuitCurve curve) {
        boolean is(LivePair other, String otherMethod, Metric otherMetric) {
            return pair.isSameAs(other)
                    && method.equals(otherMethod)
                    && metric.name().equals(otherMetric.name());
        }
    }

    @Override
    public Set<String> options() {
        Set<String> options = new HashSet<>(LivePair.OPTIONS);
        options.addAll(List.of("metric", METHOD, SIZE));
        return options;
    }

    @Override
    public ViewData data(LiveModel model, ViewRequest request, RunProgress progress) {
        LivePair pair = LivePair.of(model, request);
        ViewHeading heading = model.heading("Circuit", pair.clean());
        DataObject form = pair.form(model).withTexts("methods", METHODS);
        if (request.option(METHOD).isEmpty()) {
            return pair.formAlone("circuit", model, heading, form);
        }
        String method = request.choice(METHOD, METHODS);
        Metric metric = LivePair.metric(request);
        Found found = model.circuit();
        if (found == null || !found.is(pair, method, metric)) {
            found = find(model, pair, method, metric, progress);
            model.keep(found);
        }
        int all = found.scores.size();
        if (request.option(SIZE).isPresent()) {
            return measured(heading, found, request.integer(SIZE, 0, all, 0));
        }
        int kept = Math.max(1, (int) (SHARE * all));
        Circuit circuit = CircuitSelection.TOP.select(found.scores, kept).pruned();
        progress.requireWanted();
        CircuitView view = CircuitView.of(
                heading.withTitle("Circuit by " + found.scores.method())
                        .withBasis(metric.quantity())
                        .withCommand(
                                pair.command(model, "hyaline circuit --method " + method, " --metric " + metric.name()))
                        .withJava(LivePair.java()
                                + "CircuitExperiment experiment = CircuitExperiment.of(\n"
                                + "        Experiment.start(model, pairs, metric), Ablation.counterfactual());\n"
                                + "EdgeScores scores = " + java(method) + ".score(experiment);\n"
                                + "CircuitCurve.measure(experiment, scores, CircuitSelection.TOP)"),
                circuit,
                found.scores,
                found.curve,
                new double[0],
                found.curve.at(found.experiment, found.scores, kept).faithfulness());
        return new ViewData("circuit", view.data().heading(), view.data().data().with("form", form));
    }

    private static Found find(LiveModel model, LivePair pair, String method, Metric metric, RunProgress progress) {
        if (pair.corrupted() == null) {
            throw new BadInputException(
                    "a circuit is found by what tells the prompt from a corrupted one: give that, of"
                            + " as many tokens as the prompt");
        }
        progress.requireWanted();
        CircuitExperiment experiment = CircuitExperiment.of(
                Experiment.start(model.model(), pair.pairs(model), metric), Ablation.counterfactual());
        SweepOptions options = SweepOptions.none().progress(progress::step);
        EdgeScores scores = scoring(method).score(experiment, options);
        progress.requireWanted();
        CircuitCurve curve = CircuitCurve.measure(experiment, scores, CircuitSelection.TOP, options);
        return new Found(pair, method, metric, experiment, scores, curve);
    }

    private static EdgeScoring scoring(String method) {
        return switch (method) {
            case "eap" -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
            case "exact" -> new EdgeScoring.Exact();
            default -> new EdgeScoring.InputGradients(STEPS, EdgeScoring.PathRule.LEFT);
        };
    }

    private static String java(String method) {
        return "new EdgeScoring."
                + switch (method) {
                    case "eap" -> "AttributionPatching(PatchingDirection.NOISING)";
                    case "exact" -> "Exact()";
                    default -> "InputGradients(" + STEPS + ", EdgeScoring.PathRule.LEFT)";
                };
    }

    private static ViewData measured(ViewHeading heading, Found found, int size) {
        CircuitCurve.Point point = found.curve.at(found.experiment, found.scores, size);
        return new ViewData(
                "circuit",
                heading,
                DataObject.empty()
                        .with("asked", point.asked())
                        .with("kept", point.kept())
                        .with("metric", point.metric())
                        .with("faithfulness", point.faithfulness()));
    }
}
