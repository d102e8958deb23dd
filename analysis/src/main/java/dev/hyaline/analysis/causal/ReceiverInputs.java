package dev.hyaline.analysis.causal;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.RerunResult;
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
        return point.site().isResidual();
    }

    @Override
    public void read(Slot slot, float[] out) {
        if (!holds(slot.point(), slot.sequence(), slot.position())) {
            throw new BadInputException("no receiver reads " + slot.point());
        }
        Gpt2Config config = base.model().config();
        HookPoint residual =
                slot.point().residual(config).orElseThrow().points(config).getLast();
        System.arraycopy(runs.get(slot.sequence()).values(residual), slot.position() * out.length, out, 0, out.length);
    }
}
