package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.LiveActivation;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.List;
import java.util.stream.IntStream;

/** Shows gradients to a backward pass's probe, and takes them back through the edits of the forward pass. */
final class GradientHooks {
    private final FormedRows rows;
    private final LiveActivation live = new LiveActivation();

    private KeptPass kept = KeptPass.NONE;
    private Probe probe = Probe.NONE;

    GradientHooks(FormedRows rows) {
        this.rows = rows;
    }

    void begin(KeptPass kept, Probe probe) {
        this.kept = kept;
        this.probe = probe;
        live.begin(rows.whole());
    }

    /** Forgets the pass. */
    void end() {
        kept = KeptPass.NONE;
        probe = Probe.NONE;
        live.forget();
    }

    /** The point of a site, of a layer if it has one in each. */
    static HookPoint point(Site site, int layer) {
        return site.perLayer() ? HookPoint.of(site, layer) : HookPoint.of(site);
    }

    /** Returns whether a gradient is shown at a point, or taken back through edits there. */
    boolean isWanted(HookPoint point) {
        return probe.wants(point) || kept.isWatched(point);
    }

    /** Returns whether a gradient that is shown may be another one afterwards. */
    boolean mayChange(HookPoint point) {
        return kept.isWatched(point) || (probe.wants(point) && probe.changes(point));
    }

    /** The rows that are formed at which the probe reads one of some points. */
    int[] rowsRead(List<HookPoint> points) {
        List<HookPoint> wanted = points.stream().filter(probe::wants).toList();
        return IntStream.range(0, rows.batch().rows())
                .filter(row -> {
                    int sequence = rows.batch().sequenceOf(row);
                    int position = rows.batch().position(row);
                    return wanted.stream().anyMatch(point -> probe.reads(point, sequence, position));
                })
                .toArray();
    }

    /** Shows {@code [rows that are formed, width]}. */
    void back(Site site, int layer, float[] values, int width) {
        HookPoint point = point(site, layer);
        if (!rows.isPart()) {
            back(point, () -> live.rows(values, width));
        } else if (probe.wants(point)) {
            probe.at(point, live.rows(rows.spread(values, width), width));
        }
    }

    /** Shows gradients at logits of chosen rows. */
    void backLogits(float[] values, int dVocab, int[] chosen, LogitColumns columns) {
        back(HookPoint.of(Site.UNEMBED_OUT), () -> live.logits(values, dVocab, chosen, columns));
    }

    /** Shows gradients at attention maps, of all rows. */
    void backMaps(HookPoint point, float[] values, int[] offsets) {
        back(point, () -> live.maps(values, offsets));
    }

    /** Shows {@code [rows of the whole batch, width]}. */
    void backWhole(HookPoint point, float[] values, int width) {
        back(point, () -> live.rows(values, width));
    }

    private interface View {
        Activation get();
    }

    private void back(HookPoint point, View view) {
        if (probe.wants(point)) {
            probe.at(point, view.get());
        }
        if (kept.isWatched(point) && !kept.plan().probe().pullBack(point, view.get()) && kept.isEdited(point)) {
            throw new BadInputException("the edit of " + point
                    + " does not say how a gradient goes back through it: a function of the values has none that is"
                    + " known");
        }
    }
}
