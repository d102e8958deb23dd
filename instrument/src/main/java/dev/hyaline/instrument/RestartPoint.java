package dev.hyaline.instrument;

import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.Optional;

/**
 * Where a pass can be taken up from what a {@link BaseRun} keeps.
 *
 * @param first the first hook point that fires
 */
record RestartPoint(HookPoint first) implements Comparable<RestartPoint> {
    /** The latest that still reaches a point. */
    static RestartPoint before(HookPoint point) {
        int layer = point.layer();
        return new RestartPoint(
                switch (point.site()) {
                    case EMBED, POS_EMBED -> HookPoint.of(Site.EMBED);
                    case RESID_PRE, ATTN_IN, Q_INPUT, K_INPUT, V_INPUT, LN1_SCALE, LN1_NORMALIZED ->
                        HookPoint.of(Site.RESID_PRE, layer);
                    case Q, K, V, ATTN_SCORES, PATTERN -> HookPoint.of(Site.RESID_PRE, layer);
                    case Z, RESULT -> HookPoint.of(Site.Z, layer);
                    case ATTN_OUT -> point;
                    case RESID_MID, MLP_IN, LN2_SCALE, LN2_NORMALIZED, MLP_PRE, MLP_POST ->
                        HookPoint.of(Site.RESID_MID, layer);
                    case MLP_OUT, RESID_POST -> HookPoint.of(Site.MLP_OUT, layer);
                    case LN_FINAL_SCALE, LN_FINAL_NORMALIZED, UNEMBED_IN, UNEMBED_OUT ->
                        HookPoint.of(Site.LN_FINAL_SCALE);
                });
    }

    /** The site whose values are given besides the residual stream. */
    Optional<Site> branch() {
        return switch (first.site()) {
            case Z, ATTN_OUT, MLP_OUT -> Optional.of(first.site());
            default -> Optional.empty();
        };
    }

    boolean isEmbedding() {
        return first.site() == Site.EMBED;
    }

    /** Where the residual stream is given; meaningless at the embedding. */
    Boundary from(int layers) {
        return switch (first.site()) {
            case RESID_PRE, Z, ATTN_OUT -> Boundary.residPre(first.layer());
            case RESID_MID, MLP_OUT -> Boundary.residMid(first.layer());
            case LN_FINAL_SCALE -> Boundary.residPre(layers);
            default -> throw new AssertionError(first);
        };
    }

    /** The first boundary after it: where passes that were taken up earlier can be joined. */
    Boundary joins(int layers) {
        return switch (first.site()) {
            case EMBED -> Boundary.residPre(0);
            case Z, ATTN_OUT -> Boundary.residMid(first.layer());
            case MLP_OUT -> Boundary.residPre(first.layer() + 1);
            default -> from(layers);
        };
    }

    boolean reaches(HookPoint point) {
        return point.compareTo(first) >= 0;
    }

    @Override
    public int compareTo(RestartPoint other) {
        return first.compareTo(other.first);
    }
}
