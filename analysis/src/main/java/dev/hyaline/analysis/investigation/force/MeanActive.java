package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.NeuronComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes the mean value that a component has on the prompts on which it is active, at the position of a role.
 *
 * @param component it is the mean of
 * @param criterion of being active, in words
 * @param active number of prompts on which it is
 */
public record MeanActive(ClaimComponent component, String criterion, int active, Direction mean) implements Force {
    /** Fewer active prompts have no mean. */
    public static final int MIN_PROMPTS = 8;

    /** The attention from which a head is active. */
    public static final double ATTENTION = 0.5;

    private static final double HIGH = 0.9;
    private static final double TOP_QUARTER = 0.75;

    /**
     * The mean over the clean prompts of evidence, which should be that of the discovery half. A head whose role of
     * attention is given is active where it attends to it with at least {@value #ATTENTION}; a neuron or latent where
     * it is above its 90th percentile; all else in the top quarter of norms.
     *
     * @param at the role at whose position values are read
     * @param attended the role that a head attends to from there; null to go by norms
     * @throws BadInputException if the component is active on fewer than {@value #MIN_PROMPTS} prompts
     */
    public static MeanActive of(Evidence discovery, ClaimComponent component, String at, @Nullable String attended) {
        Gpt2Config config = discovery.experiment().config();
        component.requireIn(config);
        if (component instanceof ComponentAt) {
            throw new BadInputException(component + " names its position; give the component and the role apart");
        }
        PromptPairs pairs = discovery.experiment().pairs();
        float[][] values = new float[pairs.size()][];
        for (int pair = 0; pair < values.length; pair++) {
            values[pair] = values(discovery, component, pair, pairs.get(pair).position(at));
        }
        double[] score;
        double least;
        String criterion;
        if (component instanceof HeadComponent && attended != null) {
            score = discovery.run(new Treatment.Attend(at, attended), List.of(component));
            least = ATTENTION;
            criterion = "attention from " + at + " to " + attended + " of at least " + ATTENTION;
        } else if (component instanceof NeuronComponent || component instanceof LatentComponent) {
            score = Arrays.stream(values).mapToDouble(value -> value[0]).toArray();
            least = quantile(score, HIGH);
            criterion = "above its 90th percentile";
        } else {
            score = Arrays.stream(values).mapToDouble(MeanActive::norm).toArray();
            least = quantile(score, TOP_QUARTER);
            criterion = "in the top quarter of norms";
        }
        int[] active = IntStream.range(0, score.length)
                .filter(pair -> score[pair] >= least)
                .toArray();
        if (active.length < MIN_PROMPTS) {
            throw new BadInputException(component + " is active (" + criterion + ") on " + active.length + " of "
                    + score.length + " prompts; a mean takes at least " + MIN_PROMPTS);
        }
        double[] sum = new double[values[0].length];
        for (int pair : active) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += values[pair][i];
            }
        }
        float[] mean = new float[sum.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) (sum[i] / active.length);
        }
        return new MeanActive(component, criterion, active.length, Direction.of(mean));
    }

    private static double quantile(double[] values, double p) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return Order.quantile(sorted, p);
    }

    private static double norm(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    /** A component's values in a pair's clean run. */
    static float[] values(Evidence evidence, ClaimComponent component, int pair, int position) {
        return values(evidence, Side.CLEAN, component, pair, position);
    }

    static float[] values(Evidence evidence, Side side, ClaimComponent component, int pair, int position) {
        Gpt2Config config = evidence.experiment().config();
        return switch (component) {
            case HeadComponent head ->
                read(evidence, side, HookPoint.of(Site.Z, head.layer()), pair, position, head.head(), config.dHead());
            case ClaimComponent.MlpComponent mlp ->
                read(
                        evidence,
                        side,
                        HookPoint.of(Site.MLP_OUT, mlp.layer()),
                        pair,
                        position,
                        Slot.NO_HEAD,
                        config.dModel());
            case NeuronComponent neuron ->
                new float[] {
                    read(
                            evidence,
                            side,
                            HookPoint.of(Site.MLP_POST, neuron.layer()),
                            pair,
                            position,
                            Slot.NO_HEAD,
                            Site.MLP_POST.shape().width(config))[neuron.neuron()]
                };
            case LatentComponent latent -> new float[] {evidence.latentValue(side, latent, pair, position)};
            case ClaimComponent.SiteComponent site
            when !site.point().site().shape().byHead() ->
                read(
                        evidence,
                        side,
                        site.point(),
                        pair,
                        position,
                        Slot.NO_HEAD,
                        site.point().site().shape().width(config));
            default -> throw new BadInputException("there is no one vector to force " + component + " to");
        };
    }

    private static float[] read(
            Evidence evidence, Side side, HookPoint point, int pair, int position, int head, int width) {
        ActivationSource source = evidence.experiment().runs().recorded(side, point.site());
        float[] values = new float[width];
        source.read(new Slot(point, pair, position, head), values);
        return values;
    }

    @Override
    public String name() {
        return "mean-active " + component + " (" + criterion + ", " + active + " prompts)";
    }

    @Override
    public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
        if (!latent.equals(component)) {
            throw new BadInputException("the mean is that of " + component + ", not of " + latent);
        }
        return mean.values()[0];
    }

    @Override
    public List<Intervention> edit(Evidence evidence, Side into, ClaimComponent forced, Target target, int pair) {
        if (!forced.equals(component)) {
            throw new BadInputException("the mean is that of " + component + ", not of " + forced);
        }
        return List.of(new Intervention.Write(target, mean));
    }
}
