package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Splices of an autoencoder that needs more than one slot of a pass at once, as edits of clean runs: a transcoder, or
 * one of all heads of a site. Where nothing before the written site is edited, both its sites hold there what the clean
 * run recorded. Thread-safe.
 */
final class RecordedSplices {
    private final PairRuns runs;
    private final Attachment attachment;
    private final int heads;
    private final ActivationSource in;
    private final ActivationSource out;
    /** Latents of a token, once they were computed: those of the clean run, the same for every splice. */
    private final Map<Token, Latents> encoded = new ConcurrentHashMap<>();

    private record Token(int pair, int position) {}

    RecordedSplices(PairRuns runs, Attachment attachment) {
        this.runs = runs;
        this.attachment = attachment;
        heads = runs.config().nHeads();
        requireOrder(attachment);
        in = runs.recorded(Side.CLEAN, attachment.in().site());
        out = runs.recorded(Side.CLEAN, attachment.out().site());
    }

    /** Returns whether an autoencoder's splice is no edit of one slot at a time. */
    static boolean areNeeded(Attachment attachment) {
        return !attachment.in().equals(attachment.out())
                || (attachment.out().site().shape().byHead()
                        && attachment.head().isEmpty());
    }

    private static void requireOrder(Attachment attachment) {
        HookPoint in = attachment.in();
        HookPoint out = attachment.out();
        boolean before = in.layer() < out.layer()
                || (in.layer() == out.layer() && in.site().compareTo(out.site()) <= 0);
        if (!before) {
            throw new BadInputException("a pass reaches " + out + " before " + in + ", which the autoencoder reads");
        }
    }

    /** A splice as an edit of the clean run at every position. */
    Intervention intervention(Splice splice) {
        Target target = attachment
                .head()
                .map(one -> Target.of(attachment.out()).heads(one.index()))
                .orElseGet(() -> Target.of(attachment.out()));
        return Intervention.function(target, (slot, values) -> {
            Token token = new Token(slot.sequence(), slot.position());
            float[] x = row(in, attachment.in(), token);
            float[] y = attachment.in().equals(attachment.out()) ? x : row(out, attachment.out(), token);
            Latents before =
                    encoded.computeIfAbsent(token, t -> attachment.autoencoder().encode(attachment.encoderInput(x)));
            boolean ofAllHeads =
                    slot.head() != Slot.NO_HEAD && attachment.head().isEmpty();
            System.arraycopy(
                    splice.apply(x, y, before).output(),
                    ofAllHeads ? slot.head() * values.length : 0,
                    values,
                    0,
                    values.length);
        });
    }

    /** The autoencoder's columns of a token's row. */
    private float[] row(ActivationSource source, HookPoint point, Token token) {
        int width = point.site().shape().width(runs.config());
        if (!point.site().shape().byHead()) {
            float[] row = new float[width];
            source.read(new Slot(point, token.pair, token.position, Slot.NO_HEAD), row);
            return row;
        }
        float[] row = new float[width];
        float[] ofHead = new float[width / heads];
        IntStream.range(0, heads).forEach(head -> {
            source.read(new Slot(point, token.pair, token.position, head), ofHead);
            System.arraycopy(ofHead, 0, row, head * ofHead.length, ofHead.length);
        });
        return attachment.ofHead(row);
    }
}
