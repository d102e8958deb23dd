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

/** Writes given values. */
final class SetTo implements Force {
    private final Direction values;

    SetTo(float... values) {
        this.values = Direction.of(values);
    }

    @Override
    public String name() {
        float[] all = values.values();
        return all.length == 1 ? "set to " + all[0] : "set to " + all.length + " values " + Arrays.hashCode(all);
    }

    @Override
    public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
        float[] given = values.values();
        if (given.length != 1) {
            throw new BadInputException(latent + " is set to one value, found " + given.length);
        }
        return given[0];
    }

    @Override
    public List<Intervention> edit(Evidence evidence, Side into, ClaimComponent component, Target target, int pair) {
        return List.of(new Intervention.Write(target, values));
    }
}
