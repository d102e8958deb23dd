package dev.hyaline.analysis.laboratory;

import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was fixed before any held-out prompt was run: the plan's lock, the circuit, and every claim with its components
 * and numbers.
 *
 * @param of digests by what they are of; the plan lock's is that of {@code plan.lock}
 */
public record ClaimsLock(Map<String, String> of) {
    static final String FORMAT = "hyaline-claims-lock/1";
    static final String PLAN = "plan.lock";

    public ClaimsLock {
        of = Collections.unmodifiableMap(new TreeMap<>(of));
    }

    static ClaimsLock read(Json json) {
        return new ClaimsLock(PlanLock.digests(json));
    }

    /** The file. */
    byte[] toJson() {
        return PlanLock.lock(FORMAT, of);
    }

    /** The digest of the lock itself. */
    public String sha256() {
        return Digests.sha256(toJson());
    }

    /** The digest of the plan lock that it stands on; empty if it names none. */
    String plan() {
        return of.getOrDefault(PLAN, "");
    }
}
