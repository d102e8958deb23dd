package dev.hyaline.notebook;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import java.util.List;
import java.util.function.Function;
import org.rapaio.jupyter.kernel.display.DisplayData;
import org.rapaio.jupyter.kernel.display.DisplayRenderer;
import org.rapaio.jupyter.kernel.display.DisplayTransformer;
import org.rapaio.jupyter.kernel.display.MimeType;
import org.rapaio.jupyter.kernel.display.spi.DisplayProvider;

/** Shows Hyaline's values in notebooks; found by the kernel as a service. */
public final class HyalineDisplays implements DisplayProvider {
    /** Shows values of one type as HTML, and as text where there is no HTML. */
    private record HtmlRenderer<T>(Class<T> type, Function<T, String> html) implements DisplayRenderer {
        @Override
        public Class<?> rendererClass() {
            return type;
        }

        @Override
        public boolean canRender(String mime) {
            return mime == null
                    || MimeType.HTML.shortTypes().contains(mime)
                    || MimeType.HTML.longType().equals(mime);
        }

        @Override
        public DisplayData render(String mime, Object value) {
            DisplayData data = DisplayData.fromHtml(html.apply(type.cast(value)));
            data.putText(value.toString());
            return data;
        }
    }

    @Override
    public List<DisplayRenderer> getDisplayRenderers() {
        return List.of(
                new HtmlRenderer<>(ResultTable.class, NotebookHtml::of),
                new HtmlRenderer<>(Tensor.class, NotebookHtml::of),
                new HtmlRenderer<>(Page.class, NotebookHtml::of),
                new HtmlRenderer<>(Picture.class, NotebookHtml::of),
                new HtmlRenderer<>(View.class, NotebookHtml::of));
    }

    @Override
    public List<DisplayTransformer> getDisplayTransformers() {
        return List.of();
    }
}
