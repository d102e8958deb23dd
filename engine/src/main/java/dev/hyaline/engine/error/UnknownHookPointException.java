package dev.hyaline.engine.error;

import java.util.List;

/** A hook point or site whose name no model has. */
public final class UnknownHookPointException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private final String name;
    private final transient List<String> nearest;

    /** @param nearest existing names that resemble it, best first; may be empty */
    public UnknownHookPointException(String name, List<String> nearest) {
        super("unknown hook point " + name
                + (nearest.isEmpty() ? "" : "; did you mean " + String.join(", ", nearest) + "?"));
        this.name = name;
        this.nearest = List.copyOf(nearest);
    }

    public String name() {
        return name;
    }

    public List<String> nearest() {
        return nearest;
    }
}
