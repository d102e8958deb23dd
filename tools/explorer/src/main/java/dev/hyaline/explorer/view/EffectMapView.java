package dev.hyaline.explorer.view;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import org.jspecify.annotations.Nullable;

/**
 * A table of effects as maps of coloured cells, such as those of patching or ablation: each cell with its value, its
 * standard error and the values of all samples, raw or normalised, and with the run behind it. Colours are symmetric
 * about what is neutral.
 */
public final class EffectMapView implements DataView {
    private final ViewHeading heading;
    private final ResultTable table;
    private final @Nullable ResultTable normalised;
    private final boolean normalisedFirst;
    private final @Nullable CellEdit edit;

    private EffectMapView(
            ViewHeading heading,
            ResultTable table,
            @Nullable ResultTable normalised,
            boolean normalisedFirst,
            @Nullable CellEdit edit) {
        this.heading = heading;
        this.table = table;
        this.normalised = normalised;
        this.normalisedFirst = normalisedFirst;
        this.edit = edit;
    }

    /** A view of a table of any number of axes. */
    public static EffectMapView of(ViewHeading heading, ResultTable table) {
        return new EffectMapView(heading, table, null, false, null);
    }

    /**
     * The same view, whose reader can choose the same values on another scale.
     *
     * @param other with clean as 1 and corrupted as 0, say
     * @param first whether it is what is shown first
     * @throws BadShapeException if it has other axes
     */
    public EffectMapView withNormalised(ResultTable other, boolean first) {
        if (!other.axes().equals(table.axes())) {
            throw new BadShapeException("the normalised table", axes(table), axes(other));
        }
        return new EffectMapView(heading, table, other, first, edit);
    }

    private static String axes(ResultTable of) {
        return String.join(
                " x ",
                of.axes().stream().map(axis -> axis.size() + " " + axis.name()).toList());
    }

    /** The same view, each of whose cells leads to the run behind it. */
    public EffectMapView withEdit(CellEdit ofCells) {
        return new EffectMapView(heading, table, normalised, normalisedFirst, ofCells);
    }

    @Override
    public ViewData data() {
        DataObject data = DataObject.empty().with("raw", TableData.of(table));
        if (normalised != null) {
            data = data.with("normalised", TableData.of(normalised))
                    .with("first", normalisedFirst ? "normalised" : "raw");
        }
        if (edit != null) {
            data = data.with("edit", edit.data(TableData.sizes(table)));
        }
        return new ViewData("effects", heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        TableData.write(html, normalised != null && normalisedFirst ? normalised : table);
    }

    @Override
    public String toString() {
        return "map of " + table.title();
    }
}
