package dev.hyaline.notebook;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TablePicture;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import dev.hyaline.files.Markup;
import java.util.Arrays;
import java.util.List;

/** Values as HTML that needs nothing beside it. */
public final class NotebookHtml {
    /** Cells of a tensor beyond which its heat map would be too large to read. */
    private static final int MAX_CELLS = 10_000;

    private static final int PAGE_HEIGHT = 640;

    private NotebookHtml() {}

    /** A table of results: its picture where it has one, then its rows as the command prints them. */
    public static String of(ResultTable table) {
        return (TablePicture.fits(table) ? of(TablePicture.of(table)) : "") + preformatted(table.toString());
    }

    /** A picture as SVG. */
    public static String of(Picture picture) {
        return "<div style=\"overflow-x:auto\">" + picture.svg() + "</div>";
    }

    /** A tensor: one of two axes, such as an attention pattern, as a heat map, any other as it prints. */
    public static String of(Tensor tensor) {
        boolean fits = tensor.shape().size() == 2 && tensor.size() > 0 && tensor.size() <= MAX_CELLS;
        double[] values = fits ? tensor.toDoubleArray() : new double[0];
        if (!fits || !Arrays.stream(values).allMatch(Double::isFinite)) {
            return preformatted(tensor.toString());
        }
        List<Axis> axes = List.of(axis(tensor, 0), axis(tensor, 1));
        return of(HeatMap.of(ResultTable.of(tensor.name(), "value", "", axes, List.of(tensor.name()), values)));
    }

    /** A page in a frame of its own, whose scripts and styles do not reach the notebook. */
    public static String of(Page page) {
        return "<iframe sandbox=\"allow-scripts allow-downloads\" style=\"width:100%;height:" + PAGE_HEIGHT
                + "px;border:0\" srcdoc=\"" + Markup.escaped(page.html()) + "\"></iframe>";
    }

    /** A part of a page, such as an attention view, as a page. */
    public static String of(View view) {
        return of(Page.of(view.toString(), view));
    }

    private static Axis axis(Tensor tensor, int axis) {
        String name = tensor.axes().get(axis);
        return Axis.indices(name, tensor.shape().get(axis));
    }

    private static String preformatted(String text) {
        return "<pre>" + Markup.escaped(text) + "</pre>";
    }
}
