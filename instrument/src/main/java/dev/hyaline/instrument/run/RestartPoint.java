package dev.hyaline.instrument.run;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.site.Stage;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A point at which a pass can restart from what a {@link BaseRun} keeps.
 *
 * @param first the first hook point that fires
 */
record RestartPoint(HookPoint first) implements Comparable<RestartPoint> {
    /** Sites inside a stage whose values a {@link BaseRun} keeps, at which a pass can restart. */
    static final Set<Site> KEPT_ENTRIES = EnumSet.of(Site.Z, Site.ATTN_OUT, Site.MLP_OUT);

    /** The latest restart point that still reaches a hook point. */
    static RestartPoint before(HookPoint point) {
        List<Site> sites = point.site().stage().sites();
        Site latest = sites.getFirst();
        for (Site site : sites) {
            if (KEPT_ENTRIES.contains(site) && site.compareTo(point.site()) <= 0) {
                latest = site;
            }
        }
        return new RestartPoint(new HookPoint(latest, point.layer()));
    }

    /** The site whose values are given besides the residual stream. */
    Optional<Site> branch() {
        return Optional.of(first.site()).filter(KEPT_ENTRIES::contains);
    }

    boolean isEmbedding() {
        return first.site().stage() == Stage.EMBEDDING;
    }

    /** The boundary at which the residual stream is given; there is none for the embedding. */
    Boundary from(Gpt2Config config) {
        return first.boundaryBefore(config).orElseThrow();
    }

    /** The first boundary from it on, at which it can join passes that restarted earlier. */
    Boundary joins(Gpt2Config config) {
        return isEmbedding() || branch().isPresent() ? first.boundaryAfter().orElseThrow() : from(config);
    }

    boolean reaches(HookPoint point) {
        return point.compareTo(first) >= 0;
    }

    @Override
    public int compareTo(RestartPoint other) {
        return first.compareTo(other.first);
    }
}
