package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;

/**
 * Adds a multiple of the difference of means, clean less corrupted, that a component has at the position of a role.
 * Into clean runs it is taken away, into corrupted ones added.
 *
 * @param alpha the multiple
 */
public record Steer(ClaimComponent component, Direction difference, double alpha) implements Force {
    /** The multiples of a dose response. */
    public static final List<Double> DOSES = List.of(0.5, 1.0, 2.0, 4.0);

    /**
     * Steering along the difference of evidence, which should be that of the discovery half.
     *
     * @param at the role at whose position values are read
     */
    public static Steer of(Evidence discovery, ClaimComponent component, String at, double alpha) {
        component.requireIn(discovery.experiment().config());
        double[] sum = new double[0];
        int pairs = discovery.experiment().pairs().size();
        for (int pair = 0; pair < pairs; pair++) {
            int position = discovery.experiment().pairs().get(pair).position(at);
            float[] clean = MeanActive.values(discovery, Side.CLEAN, component, pair, position);
            float[] corrupted = MeanActive.values(discovery, Side.CORRUPTED, component, pair, position);
            sum = sum.length == 0 ? new double[clean.length] : sum;
            for (int i = 0; i < sum.length; i++) {
                sum[i] += (double) clean[i] - corrupted[i];
            }
        }
        float[] difference = new float[sum.length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = (float) (sum[i] / pairs);
        }
        return new Steer(component, Direction.of(difference), alpha);
    }

    /** The same direction at another dose. */
    public Steer at(double dose) {
        return new Steer(component, difference, dose);
    }

    @Override
    public String name() {
        return "steer " + component + " by " + alpha + " of a difference of means "
                + Arrays.hashCode(difference.values());
    }

    @Override
    public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
        if (!latent.equals(component)) {
            throw new BadInputException("the difference is that of " + component + ", not of " + latent);
        }
        float sign = into == Side.CLEAN ? -1 : 1;
        return evidence.latentValue(into, latent, pair, position)
                + (float) (sign * alpha) * difference.values()[0];
    }

    @Override
    public List<Intervention> edit(Evidence evidence, Side into, ClaimComponent forced, Target target, int pair) {
        float sign = into == Side.CLEAN ? -1 : 1;
        return List.of(new Intervention.Add(target, difference, (float) (sign * alpha)));
    }
}
