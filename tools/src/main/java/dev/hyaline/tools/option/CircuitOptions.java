package dev.hyaline.tools.option;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitSelection;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.circuit.InputMeaning;
import dev.hyaline.analysis.circuit.LearnedMasks;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a circuit is found: scores, what ablation puts in place, and how many edges are kept. */
public final class CircuitOptions implements CheckedOptions {
    private static final int DEFAULT_STEPS = 5;
    private static final int DEFAULT_MASK_STEPS = 300;
    private static final int DEFAULT_OPTIMAL_STEPS = 50;
    private static final int DEFAULT_DRAWS = 40;
    private static final double DEFAULT_SHARE = 0.02;
    private static final double DEFAULT_NODE_SHARE = 0.25;
    private static final double DEFAULT_THRESHOLD = 0.9;

    private static final List<String> MASKS = Arrays.stream(LearnedMasks.Relaxation.values())
            .map(Object::toString)
            .toList();
    private static final List<String> NODES = Arrays.stream(EdgeScoring.NodeStatistic.values())
            .map(Object::toString)
            .toList();
    private static final List<String> WITH_STEPS = Stream.concat(
                    Stream.of("eap-ig", "eap-ig-activations", "ig-activations", "mask-gradient"), MASKS.stream())
            .toList();
    private static final String ACDC = "acdc";
    private static final String ITERATIVE = "iterative";

    /** Which of the ways of iterative ablation gives the circuit. */
    public enum Order {
        SINGLE,
        LOGITS,
        EFFECT;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Those ways. */
    static final class Orders extends Choice<Order> {
        Orders() {
            super(List.of(Order.values()));
        }
    }

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
                    "mask-gradient",
                    "information-flow",
                    "exact",
                    "random",
                    "atp",
                    "atp-star",
                    "hisp",
                    "subnetwork-probing",
                    "ugs",
                    "edge-pruning",
                    ACDC,
                    ITERATIVE));
        }
    }

    /** What ablation puts in place. */
    static final class Ablations extends Choice<String> {
        Ablations() {
            super(List.of("counterfactual", "resample", "zero", "mean", "mean-positional", "optimal"));
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

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Points of the path of gradients, 5 unless given; of learned masks, steps of Adam, 300.")
    private @Nullable Integer steps;

    @Option(
            names = "--rule",
            paramLabel = "RULE",
            completionCandidates = Rules.class,
            converter = Rules.class,
            description =
                    "Where the points of the path of --steps lie, for eap-ig: ${COMPLETION-CANDIDATES}. Default: left")
    private EdgeScoring.@Nullable PathRule rule;

    @Option(
            names = "--ablation",
            paramLabel = "KIND",
            completionCandidates = Ablations.class,
            converter = Ablations.class,
            description = {
                "What an edge that is left out carries: ${COMPLETION-CANDIDATES}. Means are over the clean prompts;"
                        + " optimal is the constant of each node that hurts the task least. Default: counterfactual"
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
            description = "Which edges to keep of as many as --edges says: ${COMPLETION-CANDIDATES}. Default: top; of"
                    + " information-flow, greedy")
    private @Nullable CircuitSelection selection;

    @Option(
            names = "--min-score",
            paramLabel = "X",
            description =
                    "Keep all edges of at least this score, or absolute score if --select says so, instead of --edges.")
    private @Nullable Double minScore;

    @Option(
            names = "--nodes",
            paramLabel = "N",
            description =
                    "Keep all edges that leave the N nodes with the largest sums of scores, instead of --edges. Of"
                            + " atp, atp-star and hisp the default: a fourth of all")
    private @Nullable Integer nodes;

    @Option(
            names = "--tau",
            paramLabel = "X",
            description = "For acdc: by how much the loss may grow for each edge left out. Default: 0.1")
    private @Nullable Double tau;

    @Option(
            names = "--absolute",
            description = "For acdc: keep an edge too without which the loss shrinks by as much as --tau.")
    private boolean absolute;

    @Option(
            names = "--threshold",
            paramLabel = "X",
            description = "For iterative: faithfulness below which the task suffers too much. Default: 0.9")
    private @Nullable Double threshold;

    @Option(
            names = "--order",
            paramLabel = "ORDER",
            completionCandidates = Orders.class,
            converter = Orders.class,
            description =
                    "For iterative: which way of ablating gives the circuit: each node alone (single), or what was not"
                        + " missed stays away, from the logits back or by effect: ${COMPLETION-CANDIDATES}. Default:"
                        + " effect")
    private @Nullable Order order;

    @Option(
            names = "--charge",
            paramLabel = "X",
            description = "For subnetwork-probing and ugs: what open edges cost. Default: 10 and 0.001")
    private @Nullable Double charge;

    @Option(
            names = "--draws",
            paramLabel = "N",
            description = "Random circuits and edges that the circuit is tested against; 0 for none. Default: 40")
    private @Nullable Integer draws;

    @Option(
            names = "--resume",
            description = "Go on where the same command with the same --out was stopped; done unasked too.")
    private boolean resume;

    @Override
    public void check() {
        if (steps != null && !WITH_STEPS.contains(method()) && !ablation.equals("optimal")) {
            throw new BadInputException("--steps goes with --method " + Choice.oneOf(WITH_STEPS));
        }
        int most = MASKS.contains(method()) ? 1_000_000 : 1000;
        if (steps != null && (steps < 1 || steps > most)) {
            throw new BadInputException("--steps must be from 1 to " + most + ", found " + steps);
        }
        if (rule != null && !method().equals("eap-ig")) {
            throw new BadInputException("--rule goes with --method eap-ig");
        }
        if ((tau != null || absolute) && !isAcdc()) {
            throw new BadInputException("--tau and --absolute go with --method acdc");
        }
        if (tau != null && !(tau >= 0)) {
            throw new BadInputException("--tau must be a number of at least 0, found " + Printable.number(tau));
        }
        if ((threshold != null || order != null) && !isIterative()) {
            throw new BadInputException("--threshold and --order go with --method iterative");
        }
        if (threshold != null && !Double.isFinite(threshold)) {
            throw new BadInputException("--threshold must be a finite number, found " + threshold);
        }
        if (charge != null && !method().equals("subnetwork-probing") && !method().equals("ugs")) {
            throw new BadInputException("--charge goes with --method subnetwork-probing or ugs");
        }
        if (charge != null && !(charge >= 0 && Double.isFinite(charge))) {
            throw new BadInputException("--charge must be at least 0, found " + charge);
        }
        if (draws != null && (draws < 0 || draws > 100_000)) {
            throw new BadInputException("--draws must be from 0 to 100000, found " + draws);
        }
        checkSelection();
    }

    private void checkSelection() {
        if (edges != null && edges < 1) {
            throw new BadInputException("--edges must be at least 1, found " + edges);
        }
        if (nodes != null && nodes < 1) {
            throw new BadInputException("--nodes must be at least 1, found " + nodes);
        }
        if (minScore != null && !Double.isFinite(minScore)) {
            throw new BadInputException("--min-score must be a finite number, found " + minScore);
        }
        int ways = (edges == null ? 0 : 1) + (nodes == null ? 0 : 1) + (minScore == null ? 0 : 1);
        if (ways > 1) {
            throw new BadInputException("--edges, --nodes and --min-score each say what is kept; give one of them");
        }
        if (isSearch() && (ways > 0 || selection != null)) {
            throw new BadInputException("--method " + method()
                    + " keeps what it does not leave out; --edges, --nodes, --min-score and --select choose by scores");
        }
        if (method().equals("edge-pruning") && (nodes != null || minScore != null)) {
            throw new BadInputException(
                    "--method edge-pruning closes all but --edges; --nodes and --min-score do not" + " go with it");
        }
    }

    /** Returns whether the method is named, or how it finds the circuit. */
    public boolean isGiven() {
        return method != null;
    }

    /** Returns whether a run that was stopped is asked to go on. */
    public boolean isResumed() {
        return resume;
    }

    private String method() {
        return method == null ? "eap-ig" : method;
    }

    /** Returns whether the circuit comes from a search instead of scores. */
    public boolean isSearch() {
        return isAcdc() || isIterative();
    }

    public boolean isAcdc() {
        return method().equals(ACDC);
    }

    public boolean isIterative() {
        return method().equals(ITERATIVE);
    }

    /** Returns whether masks are learned, which takes many steps. */
    public boolean isLearned() {
        return MASKS.contains(method());
    }

    /** Returns whether the method scores nodes. */
    public boolean scoresNodes() {
        return NODES.contains(method());
    }

    public double tau() {
        return tau == null ? 0.1 : tau;
    }

    public boolean isAbsolute() {
        return absolute;
    }

    public double threshold() {
        return threshold == null ? DEFAULT_THRESHOLD : threshold;
    }

    /** The way of iterative ablation that gives the circuit. */
    public Order order() {
        return order == null ? Order.EFFECT : order;
    }

    /** Random circuits and edges that a circuit is tested against. */
    public int draws() {
        return draws == null ? DEFAULT_DRAWS : draws;
    }

    /**
     * The method that scores; the default for a search, whose edges are scored too.
     *
     * @param all edges of the graph
     */
    public EdgeScoring scoring(long seed, int all) {
        int count = steps != null && WITH_STEPS.contains(method()) ? steps : DEFAULT_STEPS;
        return isLearned()
                ? new EdgeScoring.Masks(masks(seed, all))
                : scoring(isSearch() ? "eap-ig" : method(), count, seed);
    }

    private LearnedMasks.Settings masks(long seed, int all) {
        LearnedMasks.Relaxation relaxation = Arrays.stream(LearnedMasks.Relaxation.values())
                .filter(known -> known.toString().equals(method()))
                .findFirst()
                .orElseThrow();
        LearnedMasks.Settings settings =
                LearnedMasks.Settings.of(relaxation, steps == null ? DEFAULT_MASK_STEPS : steps, seed);
        if (relaxation == LearnedMasks.Relaxation.EDGE_PRUNING) {
            return settings.charge(1 - (double) edges(all) / all);
        }
        return charge == null ? settings : settings.charge(charge);
    }

    private EdgeScoring scoring(String name, int count, long seed) {
        return switch (name) {
            case "eap" -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
            case "eap-denoising" -> new EdgeScoring.AttributionPatching(PatchingDirection.DENOISING);
            case "eap-ig-activations" -> new EdgeScoring.ActivationGradients(count, false);
            case "ig-activations" -> new EdgeScoring.ActivationGradients(count, true);
            case "clean-corrupted" -> new EdgeScoring.CleanCorrupted();
            case "information-flow" -> new EdgeScoring.InformationFlow();
            case "mask-gradient" -> new EdgeScoring.MaskGradient(count);
            case "atp" -> new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.ATP);
            case "atp-star" -> new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.ATP_STAR);
            case "hisp" -> new EdgeScoring.NodeAttribution(EdgeScoring.NodeStatistic.HISP);
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
                "mask-gradient",
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

    /** Steps of the search of optimal constants; empty for another ablation. */
    public OptionalInt optimalSteps() {
        return ablation.equals("optimal")
                ? OptionalInt.of(steps != null && !WITH_STEPS.contains(method()) ? steps : DEFAULT_OPTIMAL_STEPS)
                : OptionalInt.empty();
    }

    /** The ablation, if it is not the optimal one. */
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

    /** From scores to the circuit, before pruning. */
    public Circuit select(EdgeScores scores) {
        CircuitSelection way = selection();
        if (minScore != null) {
            return CircuitSelection.atLeast(scores, minScore, way.isAbsolute());
        }
        if (nodes != null || (scoresNodes() && edges == null)) {
            int all = scores.senders().size();
            if (nodes != null && nodes > all) {
                throw new BadInputException("--nodes: the graph has " + all + " nodes that write, found " + nodes);
            }
            return CircuitSelection.topNodes(
                    scores, nodes == null ? (int) Math.ceil(DEFAULT_NODE_SHARE * all) : nodes, way.isAbsolute());
        }
        return way.select(scores, edges(scores.size()));
    }

    public CircuitSelection selection() {
        if (selection != null) {
            return selection;
        }
        return method().equals("information-flow") ? CircuitSelection.GREEDY : CircuitSelection.TOP;
    }
}
