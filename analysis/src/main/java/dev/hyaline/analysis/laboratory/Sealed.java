package dev.hyaline.analysis.laboratory;

import dev.hyaline.engine.error.BadInputException;

/**
 * What nobody may look at before the claims are fixed: the held-out half of the prompts. It opens only to the lock of
 * the claims.
 *
 * @param <T> what is sealed
 */
public final class Sealed<T> {
    private final T content;
    private final PlanLock plan;

    private Sealed(T content, PlanLock plan) {
        this.content = content;
        this.plan = plan;
    }

    /** Seals something under the plan of a study. */
    public static <T> Sealed<T> of(T content, PlanLock plan) {
        return new Sealed<>(content, plan);
    }

    /**
     * Opens the seal.
     *
     * @param lock of the claims of the same plan
     * @throws BadInputException if the claims were fixed under another plan
     */
    public T open(ClaimsLock lock) {
        if (!lock.plan().equals(plan.sha256())) {
            throw new BadInputException("the claims were locked under the plan " + lock.plan()
                    + ", but the held-out prompts are sealed under the plan " + plan.sha256());
        }
        return content;
    }

    @Override
    public String toString() {
        return "sealed by " + plan;
    }
}
