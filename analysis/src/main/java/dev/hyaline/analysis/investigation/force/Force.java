package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.List;
import java.util.Map;

/** A way to force a component to an activation. One of a user's own is a small class. */
public interface Force {
    /** The name in tables, such as {@code donor}, with all that tells it from others of the same evidence. */
    String name();

    /**
     * The edit of a pair's run.
     *
     * @param into the run that is edited
     * @param target the component's values, at one position or all
     * @throws dev.hyaline.engine.error.BadInputException if the force is not one of such a component
     */
    List<Intervention> edit(Evidence evidence, Side into, ClaimComponent component, Target target, int pair);

    /**
     * The value that a latent is forced to at a position; NaN where it stays. It is called in place of {@link #edit},
     * for a latent is no value of the model's own.
     *
     * @throws dev.hyaline.engine.error.BadInputException if the force is not one of latents
     */
    default float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
        throw new BadInputException(name() + " is no force of latents, found " + latent);
    }

    /** Forces that must do nothing, or less, by what they show; none where there is no such control. */
    default Map<String, Force> controls(Evidence evidence) {
        return Map.of();
    }

    /** Writes the values of the pair's other run. */
    static Force donor() {
        return new Donor();
    }

    /** Makes heads look from a role at another, and nowhere else. */
    static Force look(String from, String at) {
        return new Look(from, at);
    }

    /** Writes given values: as many as the component has, or one for all. */
    static Force set(float... values) {
        return new SetTo(values);
    }
}
