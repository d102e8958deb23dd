package dev.hyaline.analysis.causal;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.BaseRun;
import dev.hyaline.instrument.RerunResult;
import dev.hyaline.instrument.Slot;
import java.util.List;

/** The residual streams of resumed runs, one for each sequence of their base run, as heads and MLPs read them. */
record ReceiverInputs(BaseRun base, List<RerunResult> runs) implements ActivationSource {
    @Override
    public int sequences() {
        return runs.size();
    }

    @Override
    public int length(int sequence) {
        return base.length(sequence);
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return switch (point.site()) {
            case ATTN_IN, Q_INPUT, K_INPUT, V_INPUT, MLP_IN, RESID_POST -> true;
            default -> false;
        };
    }

    @Override
    public void read(Slot place, float[] out) {
        if (!holds(place.point(), place.sequence(), place.position())) {
            throw new BadInputException("no receiver reads " + place.point());
        }
        HookPoint residual = switch (place.point().site()) {
            case MLP_IN -> HookPoint.of(Site.RESID_MID, place.point().layer());
            case RESID_POST -> place.point();
            default -> HookPoint.of(Site.RESID_PRE, place.point().layer());
        };
        System.arraycopy(
                runs.get(place.sequence()).values(residual), place.position() * out.length, out, 0, out.length);
    }
}
