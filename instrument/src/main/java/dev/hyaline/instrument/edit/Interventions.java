package dev.hyaline.instrument.edit;

import java.util.List;

/**
 * Interventions that act together in one pass, in the order given. They live in the call they are passed to. Two that
 * write a value in common are an error unless {@link #inOrder} says that the later acts on what the earlier left.
 * Immutable.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="interventions"}
 */
public final class Interventions {
    private final List<Intervention> list;
    private final boolean inOrder;

    private Interventions(List<Intervention> list, boolean inOrder) {
        this.list = List.copyOf(list);
        this.inOrder = inOrder;
    }

    public static Interventions of(Intervention... interventions) {
        return of(List.of(interventions));
    }

    public static Interventions of(List<Intervention> interventions) {
        return new Interventions(interventions, false);
    }

    /** The same, with leave to write over each other: the later of two comes last. */
    public Interventions inOrder() {
        return new Interventions(list, true);
    }

    public List<Intervention> list() {
        return list;
    }

    public boolean isInOrder() {
        return inOrder;
    }

    /** Those that act on one of several sequences. */
    public Interventions on(int sequence, int sequences) {
        return new Interventions(
                list.stream()
                        .filter(intervention ->
                                intervention.target().sequences().contains(sequence, sequences))
                        .toList(),
                inOrder);
    }

    /** A line for people on each: {@code Scale of blocks.2.attn.hook_z, heads 1: by 0.5}. */
    public List<String> describe() {
        return list.stream().map(Intervention::describe).toList();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Interventions interventions
                && list.equals(interventions.list)
                && inOrder == interventions.inOrder;
    }

    @Override
    public int hashCode() {
        return list.hashCode();
    }

    /** A line for people on each. */
    @Override
    public String toString() {
        return list.isEmpty() ? "no intervention" : String.join("; ", describe());
    }
}
