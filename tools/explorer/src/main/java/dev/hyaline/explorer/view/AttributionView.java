package dev.hyaline.explorer.view;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A logit difference split into the parts that write it, in one or several ways: signed bars, a waterfall from the
 * embedding to the logits, and what the parts add up to beside the whole.
 */
public final class AttributionView implements DataView {
    /**
     * A way to split.
     *
     * @param name what the parts are: {@code layer}, {@code head}
     * @param cumulative whether each step is the sum of all before it, so that the last and the bias are the whole
     */
    private record Split(String name, DirectLogitAttribution.Result result, boolean cumulative) {
        /** Whether the first axis is of positions, each of which has a sum of its own. */
        boolean atSeveral() {
            return result.table().axes().getFirst().name().equals(DirectLogitAttribution.READ_AT);
        }

        /** The sum of the parts' means at one position. */
        double sum() {
            double[] means = result.table().means();
            return cumulative
                    ? means[means.length - 2] + means[means.length - 1]
                    : Arrays.stream(means).sum();
        }

        String words() {
            return (atSeveral()
                            ? "At each position the parts are to add up to " + result.whole()
                            : "The parts add up to " + ShownNumber.of(sum()) + ", and are to be " + result.whole())
                    + ": over " + result.sumCheck().values() + (atSeveral() ? " positions of prompts" : " prompts")
                    + " the sum is off by at most "
                    + ShownNumber.of(result.sumCheck().largestError()) + ", of values up to "
                    + ShownNumber.of(result.sumCheck().largestValue()) + ".";
        }
    }

    private final ViewHeading heading;
    private final List<Split> splits;

    private AttributionView(ViewHeading heading, List<Split> splits) {
        this.heading = heading;
        this.splits = splits;
    }

    /** A view without a split, which needs {@link #with} one. */
    public static AttributionView of(ViewHeading heading) {
        return new AttributionView(heading, List.of());
    }

    /**
     * The same view with one more way to split.
     *
     * @param name what the parts are: {@code layer}, {@code head}
     */
    public AttributionView with(String name, DirectLogitAttribution.Result result) {
        return with(new Split(name, result, false));
    }

    /** The same view with the difference as it grows along the residual stream, whose steps are sums. */
    public AttributionView withStream(DirectLogitAttribution.Result result) {
        return with(new Split("stream", result, true));
    }

    private AttributionView with(Split split) {
        List<Split> more = new ArrayList<>(splits);
        more.add(split);
        return new AttributionView(heading, List.copyOf(more));
    }

    /** @throws BadInputException if there is no way to split */
    @Override
    public ViewData data() {
        if (splits.isEmpty()) {
            throw new BadInputException("a view of an attribution needs at least one way to split it");
        }
        return new ViewData(
                "attribution",
                heading,
                DataObject.empty()
                        .withObjects(
                                "splits",
                                splits.stream().map(AttributionView::data).toList()));
    }

    private static DataObject data(Split split) {
        ResultTable table = split.result.table();
        return DataObject.empty()
                .with("name", split.name)
                .with("cumulative", split.cumulative)
                .with("whole", split.result.whole())
                .with("atSeveral", split.atSeveral())
                .with("sum", split.atSeveral() ? Double.NaN : split.sum())
                .with("checked", split.result.sumCheck().values())
                .with("largestError", split.result.sumCheck().largestError())
                .with("largestValue", split.result.sumCheck().largestValue())
                .with("table", TableData.of(table));
    }

    @Override
    public void write(HtmlWriter html) {
        for (Split split : splits) {
            html.element("p", split.words());
            TableData.write(html, split.result.table());
        }
    }

    @Override
    public String toString() {
        return "attribution: " + heading.title();
    }
}
