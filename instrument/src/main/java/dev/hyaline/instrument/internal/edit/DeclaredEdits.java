package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.DeclaredEdit.Affine;
import dev.hyaline.engine.site.DeclaredEdit.Columns;
import dev.hyaline.engine.site.DeclaredEdit.HeadSwap;
import dev.hyaline.engine.site.DeclaredEdit.Selection;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Edits as data that a device can act on. */
public final class DeclaredEdits {
    private static final int[] ONE_SLOT = {0};

    private DeclaredEdits() {}

    /**
     * Returns whether an edit can be said as data: it is no Java function, no projection of a part of its slots, no
     * swap in a subspace and no multiplication by 0, which a declared factor of 0 is not where a value is not finite.
     */
    public static boolean isDeclarable(BoundEdit edit) {
        return switch (edit.intervention()) {
            case Intervention.Custom function -> false;
            case Intervention.Scale scale -> scale.factor() != 0;
            case Intervention.ProjectOut out -> edit.components() == null && edit.subspace() == null;
            case Intervention.SwapHeads swap -> edit.subspace() == null;
            default -> true;
        };
    }

    /**
     * Returns what a declarable edit does to the slots that are present; empty if none is.
     *
     * @param index of the sequence in the pass
     */
    public static Optional<DeclaredEdit> of(BoundEdit edit, SlotAccess slots, int index) {
        int[] present = IntStream.of(edit.positions()).filter(slots::has).toArray();
        if (present.length == 0) {
            return Optional.empty();
        }
        int[] heads = edit.point().site().shape().byHead() ? edit.heads() : ONE_SLOT;
        int[] components = edit.components();
        Columns columns = components == null ? new Columns.All() : new Columns.Chosen(components);
        Selection where = new Selection(index, present, heads, columns);
        List<float[]> directions =
                edit.subspace() == null ? List.of() : edit.subspace().floats();
        return Optional.of(
                switch (edit.intervention()) {
                    case Intervention.Zero zero -> new Affine(where, 0, List.of(), directions);
                    case Intervention.Scale scale -> new Affine(where, scale.factor(), List.of(), directions);
                    case Intervention.ProjectOut out ->
                        new Affine(where, 0, List.of(), edit.removed().floats());
                    case Intervention.SwapHeads swap -> new HeadSwap(where);
                    case Intervention.Add add -> new Affine(where, 1, addends(edit, present), directions);
                    case Intervention.Noise noise -> new Affine(where, 1, addends(edit, present), directions);
                    case Intervention.Mean mean -> new Affine(where, 0, addends(edit, present), directions);
                    case Intervention.Resample resample -> new Affine(where, 0, addends(edit, present), directions);
                    case Intervention.Patch patch -> new Affine(where, 0, addends(edit, present), directions);
                    case Intervention.Write set -> new Affine(where, 0, addends(edit, present), directions);
                    case Intervention.Custom function -> throw new AssertionError(function);
                });
    }

    /** The values to write or to add: those that the edit makes of zeros. */
    private static List<float[]> addends(BoundEdit edit, int[] positions) {
        List<float[]> addends = new ArrayList<>();
        Map<Object, float[]> shared = new HashMap<>();
        for (int position : positions) {
            for (int head : edit.heads()) {
                Slot slot = new Slot(edit.point(), edit.sequence(), position, head);
                float[] addend = shared.get(sharedBy(edit, slot));
                if (addend == null) {
                    addend = new float[edit.width(position)];
                    edit.change().change(slot, addend);
                    shared.put(sharedBy(edit, slot), addend);
                }
                addends.add(addend);
            }
        }
        return addends;
    }

    /** A key that is equal for slots that get the same values. */
    private static Object sharedBy(BoundEdit edit, Slot slot) {
        return switch (edit.intervention()) {
            case Intervention.Write set -> edit.width(slot.position());
            case Intervention.Add add -> edit.width(slot.position());
            case Intervention.Mean mean when !mean.means().isByPosition() -> slot.head();
            default -> slot;
        };
    }
}
