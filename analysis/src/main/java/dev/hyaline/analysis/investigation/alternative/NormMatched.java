package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Any displacement of the same size would do as much. The displacement that an ablation gives a head, through its
 * output weights, or an MLP is turned to a random direction, at every position by itself. Excluded if at most
 * {@value #LARGEST_P} of such draws and the ablation cost as much.
 *
 * @param draws of directions
 */
public record NormMatched(int draws) implements Alternative {
    /** Draws by default, with which the smallest p is 0.025. */
    public static final int DRAWS = 39;

    /** The rank p that excludes it. */
    public static final double LARGEST_P = 0.05;

    /** @throws dev.hyaline.engine.error.BadInputException if there are so few draws that p could not be small enough */
    public NormMatched {
        Draws.require("a rank among random directions needs", "draw", DRAWS, draws);
    }

    @Override
    public String name() {
        return "norm-matched";
    }

    @Override
    public String prediction() {
        return "any displacement of the same size would do as much: one in a random direction costs as much";
    }

    @Override
    public boolean concerns(Claim claim) {
        return !(claim.expectation() instanceof Expectation.NoEffect)
                && claim.treatment() instanceof Treatment.AblateComponents
                && claim.components().stream()
                        .allMatch(component -> component instanceof HeadComponent || component instanceof MlpComponent);
    }

    @Override
    public boolean isControlOf(Claim claim) {
        return claim.components().size() == 1 && concerns(claim);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        double[] controls = Arrays.stream(
                        turned(claim, IntStream.range(0, draws).toArray()))
                .mapToDouble(claim::mean)
                .toArray();
        return rank(claim, controls);
    }

    AlternativeFinding rank(TestedClaim claim, double[] controls) {
        return RankP.decide(
                this, claim, LARGEST_P, controls, controls.length + " random directions of the same size cost as much");
    }

    /**
     * The metric with the displacement turned, by draw and pair. Directions are normal numbers of the stream
     * {@code norm-matched/} and the component, at the coordinates draw, pair and position, divided by their length.
     */
    double[][] turned(TestedClaim claim, int[] drawn) {
        Evidence evidence = claim.evidence();
        Gpt2Config config = evidence.experiment().config();
        List<ClaimComponent> components = claim.claim().components();
        double[][][] sizes = sizes(claim);
        int d = config.dModel();
        List<Evidence.PairEdits> edits = new ArrayList<>();
        for (int draw : drawn) {
            edits.add(pair -> {
                List<Intervention> turned = new ArrayList<>();
                for (int c = 0; c < components.size(); c++) {
                    Target output = components.get(c) instanceof HeadComponent head
                            ? Target.of(Site.ATTN_OUT, head.layer())
                            : Target.of(Site.MLP_OUT, ((MlpComponent) components.get(c)).layer());
                    CounterRandom random = claim.random(name() + "/" + components.get(c))
                            .with(draw)
                            .with(pair);
                    for (int position = 0; position < sizes[c][pair].length; position++) {
                        float[] direction = direction(random.with(position), d, sizes[c][pair][position]);
                        turned.add(Intervention.add(output.positions(position), 1, direction));
                    }
                }
                return turned;
            });
        }
        List<Evidence.PairEdits> all = components.size() == 1
                ? edits
                : edits.stream()
                        .<Evidence.PairEdits>map(edit -> pair -> summed(edit.of(pair)))
                        .toList();
        return evidence.edited(
                claim.random(name()).bits(0) + " directions " + Arrays.toString(drawn) + " for "
                        + claim.claim().treatment().words(components.toString()),
                Side.CLEAN,
                all);
    }

    /** Additions at one place as one. */
    private static List<Intervention> summed(List<Intervention> additions) {
        List<Target> targets =
                additions.stream().map(Intervention::target).distinct().toList();
        return targets.stream()
                .map(target -> {
                    float[] sum = new float[0];
                    for (Intervention addition : additions) {
                        if (addition.target().equals(target)) {
                            float[] vector =
                                    ((Intervention.Add) addition).vector().values();
                            if (sum.length == 0) {
                                sum = vector;
                            } else {
                                for (int i = 0; i < sum.length; i++) {
                                    sum[i] += vector[i];
                                }
                            }
                        }
                    }
                    return Intervention.add(target, 1, sum);
                })
                .toList();
    }

    private static float[] direction(CounterRandom random, int d, double size) {
        double[] direction = new double[d];
        double squares = 0;
        for (int i = 0; i < d; i++) {
            direction[i] = random.gaussian(i);
            squares += direction[i] * direction[i];
        }
        float[] scaled = new float[d];
        for (int i = 0; i < d; i++) {
            scaled[i] = (float) (direction[i] / Math.sqrt(squares) * size);
        }
        return scaled;
    }

    /** The lengths of the displacements: {@code [components][pairs][positions]}. */
    private static double[][][] sizes(TestedClaim claim) {
        Evidence evidence = claim.evidence();
        Gpt2Config config = evidence.experiment().config();
        BaseRun run = evidence.experiment().runs().run(Side.CLEAN);
        List<ClaimComponent> components = claim.claim().components();
        Evidence.PairEdits ablation = evidence.edits(claim.claim().treatment(), components);
        List<HookPoint> points =
                components.stream().map(NormMatched::point).distinct().sorted().toList();
        List<RerunResult> ablated = run.rerun(IntStream.range(0, claim.pairs().size())
                        .mapToObj(pair -> new SequenceEdit(pair, Interventions.of(ablation.of(pair))))
                        .toList())
                .logits(LogitSelection.none())
                .reading(Capture.of(points))
                .results();
        double[][][] sizes = new double[components.size()][ablated.size()][];
        ModelWeights weights = ModelWeights.of(run.model().weights());
        for (int c = 0; c < sizes.length; c++) {
            HookPoint point = point(components.get(c));
            boolean isHead = components.get(c) instanceof HeadComponent;
            int head = components.get(c) instanceof HeadComponent of ? of.head() : Slot.NO_HEAD;
            Matrix output = isHead ? weights.wO(point.layer(), head) : null;
            float[] clean = new float[isHead ? config.dHead() : config.dModel()];
            for (int pair = 0; pair < ablated.size(); pair++) {
                float[] values = ablated.get(pair).values(point);
                sizes[c][pair] = new double[run.length(pair)];
                for (int position = 0; position < run.length(pair); position++) {
                    run.read(new Slot(point, pair, position, head), clean);
                    int from = isHead ? (position * config.nHeads() + head) * clean.length : position * clean.length;
                    double[] moved = new double[clean.length];
                    for (int i = 0; i < moved.length; i++) {
                        moved[i] = (double) values[from + i] - clean[i];
                    }
                    sizes[c][pair][position] = (output == null
                                    ? new Matrix(1, moved.length, moved)
                                    : new Matrix(1, moved.length, moved).times(output))
                            .norm();
                }
            }
        }
        return sizes;
    }

    private static HookPoint point(ClaimComponent component) {
        return component instanceof HeadComponent head
                ? HookPoint.of(Site.Z, head.layer())
                : HookPoint.of(Site.MLP_OUT, ((MlpComponent) component).layer());
    }
}
