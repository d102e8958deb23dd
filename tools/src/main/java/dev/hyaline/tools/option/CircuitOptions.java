package dev.hyaline.tools.option;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.circuit.InputMeaning;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a circuit is found: scores, what ablation puts in place, and how many edges are kept. */
public final class CircuitOptions implements CheckedOptions {
    private static final int DEFAULT_STEPS = 5;
    private static final double DEFAULT_SHARE = 0.02;

    private static final List<String> WITH_STEPS = List.of("eap-ig", "eap-ig-activations", "ig-activations");

    /** The methods that score every edge. */
    static final class Methods extends Choice<String> {
        Methods() {
            super(List.of(
                    "eap-ig",
                    "eap",
                    "eap-denoising",
                    "eap-ig-activations",
                    "ig-activations",
                    "clean-corrupted",
                    "information-flow",
                    "exact",
                    "random",
                    "acdc"));
        }
    }

    /** What ablation puts in place. */
    static final class Ablations extends Choice<String> {
        Ablations() {
            super(List.of("counterfactual", "resample", "zero", "mean", "mean-positional"));
        }
    }

    /** Points of a path. */
    static final class Rules extends Choice<EdgeScoring.PathRule> {
        Rules() {
            super(List.of(EdgeScoring.PathRule.values()));
        }
    }

    /** Ways from scores to a circuit. */
    static final class Selections extends Choice<CircuitSelection> {
        Selections() {
            super(List.of(CircuitSelection.values()));
        }
    }

    /** What the input writes. */
    static final class Inputs extends Choice<InputMeaning> {
        Inputs() {
            super(List.of(InputMeaning.values()));
        }
    }

    @Option(
            names = "--method",
            paramLabel = "NAME",
            completionCandidates = Methods.class,
            converter = Methods.class,
            description = "How edges are scored: ${COMPLETION-CANDIDATES}. Default: eap-ig")
    private @Nullable String method;

    @Option(names = "--steps", paramLabel = "N", description = "Points of the path of integrated gradients. Default: 5")
    private @Nullable Integer steps;

    @Option(
            names = "--rule",
            paramLabel = "RULE",
            completionCandidates = Rules.class,
            converter = Rules.class,
            description = "... and where they lie, for eap-ig: ${COMPLETION-CANDIDATES}. Default: left")
    private EdgeScoring.@Nullable PathRule rule;

    @Option(
            names = "--ablation",
            paramLabel = "KIND",
            completionCandidates = Ablations.class,
            converter = Ablations.class,
            description = {
                "What an edge that is left out carries: ${COMPLETION-CANDIDATES}. Means are over the clean prompts."
                        + " Default: counterfactual"
            })
    private String ablation = "counterfactual";

    @Option(
            names = "--input",
            paramLabel = "WHAT",
            completionCandidates = Inputs.class,
            converter = Inputs.class,
            description = "What the node input writes: ${COMPLETION-CANDIDATES}. Default: tokens, as in MIB")
    private InputMeaning input = InputMeaning.TOKENS;

    @Option(
            names = "--edges",
            paramLabel = "N",
            description = "Edges to keep before pruning. Default: a fiftieth of all")
    private @Nullable Integer edges;

    @Option(
            names = "--select",
            paramLabel = "HOW",
            completionCandidates = Selections.class,
            converter = Selections.class,
            description = "... and which: ${COMPLETION-CANDIDATES}. Default: top; of information-flow, greedy")
    private @Nullable CircuitSelection selection;

    @Option(
            names = "--tau",
            paramLabel = "X",
            description = "For acdc: by how much the loss may grow for each edge left out. Default: 0.1")
    private @Nullable Double tau;

    @Override
    public void check() {
        if (steps != null && !WITH_STEPS.contains(method())) {
            throw new BadInputException("--steps goes with --method " + String.join(" or ", WITH_STEPS));
        }
        if (steps != null && (steps < 1 || steps > 1000)) {
            throw new BadInputException("--steps must be from 1 to 1000, found " + steps);
        }
        if (rule != null && !method().equals("eap-ig")) {
            throw new BadInputException("--rule goes with --method eap-ig");
        }
        if (tau != null && !isAcdc()) {
            throw new BadInputException("--tau goes with --method acdc");
        }
        if (tau != null && tau.isNaN()) {
            throw new BadInputException("--tau must be a number, found NaN");
        }
        if (edges != null && edges < 1) {
            throw new BadInputException("--edges must be at least 1, found " + edges);
        }
        if (isAcdc() && (edges != null || selection != null)) {
            throw new BadInputException(
                    "--method acdc keeps what it does not leave out; --edges and --select choose by" + " scores");
        }
    }

    public boolean isGiven() {
        return method != null;
    }

    private String method() {
        return method == null ? "eap-ig" : method;
    }

    /** Returns whether the circuit comes from a search instead of scores. */
    public boolean isAcdc() {
        return method().equals("acdc");
    }

    public double tau() {
        return tau == null ? 0.1 : tau;
    }

    /** The method that scores; the default for a search, whose edges are scored too. */
    public EdgeScoring scoring(long seed) {
        return scoring(isAcdc() ? "eap-ig" : method(), steps == null ? DEFAULT_STEPS : steps, seed);
    }

    private EdgeScoring scoring(String name, int count, long seed) {
        return switch (name) {
            case "eap" -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
            case "eap-denoising" -> new EdgeScoring.AttributionPatching(PatchingDirection.DENOISING);
            case "eap-ig-activations" -> new EdgeScoring.ActivationGradients(count, false);
            case "ig-activations" -> new EdgeScoring.ActivationGradients(count, true);
            case "clean-corrupted" -> new EdgeScoring.CleanCorrupted();
            case "information-flow" -> new EdgeScoring.InformationFlow();
            case "exact" -> new EdgeScoring.Exact();
            case "random" -> new EdgeScoring.Random(seed);
            default -> new EdgeScoring.InputGradients(count, rule == null ? EdgeScoring.PathRule.LEFT : rule);
        };
    }

    /** The methods that are put side by side; the exact one first. */
    public List<EdgeScoring> compared(long seed, boolean gradientOfCleanRun) {
        List<EdgeScoring> all = new ArrayList<>();
        for (String name : List.of(
                "exact",
                "eap",
                "eap-ig",
                "eap-ig-activations",
                "ig-activations",
                "clean-corrupted",
                "information-flow",
                "random")) {
            boolean needsCounterfactual = name.equals("clean-corrupted");
            if ((!name.equals("eap") || gradientOfCleanRun)
                    && (!needsCounterfactual || ablation.equals("counterfactual"))) {
                all.add(scoring(name, steps == null ? DEFAULT_STEPS : steps, seed));
            }
        }
        return all;
    }

    public Ablation ablation(long seed) {
        return switch (ablation) {
            case "zero" -> Ablation.zero();
            case "mean" -> Ablation.mean();
            case "mean-positional" -> Ablation.meanByPosition();
            case "resample" -> Ablation.resample(seed);
            default -> Ablation.counterfactual();
        };
    }

    public InputMeaning input() {
        return input;
    }

    /**
     * Edges to keep.
     *
     * @param all edges of the graph
     * @throws BadInputException if there are fewer
     */
    public int edges(int all) {
        if (edges != null && edges > all) {
            throw new BadInputException("--edges: the graph has " + all + " edges, found " + edges);
        }
        return edges == null ? Math.max(1, (int) (DEFAULT_SHARE * all)) : edges;
    }

    public CircuitSelection selection() {
        if (selection != null) {
            return selection;
        }
        return method().equals("information-flow") ? CircuitSelection.GREEDY : CircuitSelection.TOP;
    }
}
