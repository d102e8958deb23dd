package dev.hyaline.tools.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.files.ScreenWidth;
import dev.hyaline.tools.report.Table;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ScreenWidthTest {
    @ParameterizedTest
    @CsvSource({
        "abc, 3",
        "é, 1",
        "e\u0301, 1",
        "日本語, 6",
        "ｱｲ, 2",
        "ＡＢ, 4",
        "한국, 4",
        "「」。, 6",
        "ぁー, 4",
        "㈱, 2",
        "😀, 2",
        "⚡☀, 3",
        "🇫🇷, 2",
        "\u1112\u1161\u11ab, 4",
        "…—“, 3",
        "𠀀, 2",
        "ا, 1"
    })
    void countsColumns(String text, int columns) {
        assertThat(ScreenWidth.of(text)).isEqualTo(columns);
    }

    @Test
    void shortensToColumns() {
        assertThat(ScreenWidth.shortened("abcde", 5)).isEqualTo("abcde");
        assertThat(ScreenWidth.shortened("abcdef", 5)).isEqualTo("abcd…");
        assertThat(ScreenWidth.shortened("日本語", 5)).isEqualTo("日本…");
        assertThat(ScreenWidth.shortened("a日本語", 5)).isEqualTo("a日…");
        assertThat(ScreenWidth.shortened("😀😀😀", 4)).isEqualTo("😀…");
    }

    @Test
    void tablesAreAlignedByIt() {
        StringWriter out = new StringWriter();
        Console console = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(out),
                new PrintWriter(new StringWriter()),
                false,
                false,
                Map.of());
        Table table = new Table("text", ">n");
        table.row("日本", "1");
        table.row("e\u0301t\u00e9", "22");
        table.print(console);
        console.flush();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).containsExactly("text   n", "日本   1", "e\u0301t\u00e9   22");
    }
}
