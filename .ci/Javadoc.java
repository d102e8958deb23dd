import java.io.File;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;

/**
 * Builds the Javadoc of the exported packages of one module, or of several together; any warning is an error, and so is
 * a link that leads nowhere.
 *
 * <p>A program of its own, because maven-javadoc-plugin reads module descriptors with Maven's JDK, which may be older
 * than their format, and because javadoc's own {@code -Werror} cannot leave out the warning that the Vector API is an
 * incubating module.
 *
 * <p>Arguments: the folder for the pages, the module path, and the folder of each module's sources.
 */
final class Javadoc {
    private static final Pattern LINK = Pattern.compile("\\b(?:href|src)=\"([^\"]*)\"");
    private static final Pattern ANCHOR = Pattern.compile("\\bid=\"([^\"]*)\"");

    private Javadoc() {}

    public static void main(String[] args) throws IOException {
        Path pages = Files.createDirectories(Path.of(args[0]));
        List<Path> sources = Stream.of(args).skip(2).map(Path::of).toList();
        List<String> options = new ArrayList<>(List.of(
                "-quiet",
                "-notimestamp", // two builds of one commit give identical pages
                "--no-platform-links",
                "-Xdoclint:all,-missing",
                "-encoding",
                "UTF-8",
                "-Xmaxwarns",
                "1000",
                "-d",
                pages.toString(),
                "--module-path",
                libraries(args[1]),
                "--snippet-path",
                snippets(sources)));
        if (sources.size() == 1) {
            options.addAll(List.of("-sourcepath", sources.getFirst().toString(), "-subpackages", "dev.hyaline"));
        } else {
            List<String> names = new ArrayList<>();
            for (Path folder : sources) {
                String name = module(folder.resolve("module-info.java"));
                names.add(name);
                options.addAll(List.of("--module-source-path", name + "=" + folder));
            }
            options.addAll(
                    List.of("--module", String.join(",", names), "-doctitle", "Hyaline", "-windowtitle", "Hyaline"));
        }
        var tool = ToolProvider.getSystemDocumentationTool();
        var diagnostics = new DiagnosticCollector<JavaFileObject>();
        try (var files = tool.getStandardFileManager(null, Locale.ROOT, null)) {
            boolean built = tool.getTask(
                            null,
                            files,
                            diagnostics,
                            null,
                            options,
                            sources.size() == 1
                                    ? files.getJavaFileObjects(
                                            sources.getFirst().resolve("module-info.java"))
                                    : null)
                    .call();
            List<String> complaints = diagnostics.getDiagnostics().stream()
                    .filter(found -> found.getKind() != Diagnostic.Kind.NOTE)
                    .filter(found -> !Objects.toString(found.getCode(), "").contains("incubating"))
                    .map(Diagnostic::toString)
                    .distinct()
                    .toList();
            List<String> broken = built && complaints.isEmpty() ? brokenLinks(pages) : List.of();
            Stream.concat(complaints.stream(), broken.stream()).forEach(System.err::println);
            if (!built || !complaints.isEmpty() || !broken.isEmpty()) {
                System.exit(1);
            }
        }
    }

    /** Without the jars of tests, which have their library's packages. */
    private static String libraries(String modulePath) {
        return Stream.of(modulePath.split(File.pathSeparator, -1))
                .filter(entry -> !entry.endsWith("-tests.jar"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Examples are parts of tests. */
    private static String snippets(List<Path> sources) {
        return sources.stream()
                .flatMap(folder ->
                        Stream.of("../../test/java", "../../test/resources").map(folder::resolve))
                .map(folder -> folder.normalize().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** What javadoc does not check: links in text, and in files that it copies or converts. */
    private static List<String> brokenLinks(Path pages) throws IOException {
        List<String> broken = new ArrayList<>();
        Map<Path, Set<String>> anchors = new HashMap<>();
        try (Stream<Path> files = Files.walk(pages)) {
            for (Path page :
                    files.filter(file -> file.toString().endsWith(".html")).toList()) {
                for (Matcher link = LINK.matcher(Files.readString(page)); link.find(); ) {
                    String to = URLDecoder.decode(unescaped(link.group(1)).replace("+", "%2B"), StandardCharsets.UTF_8);
                    if (to.matches("[a-z]+:.*")) {
                        continue;
                    }
                    int hash = (to + "#").indexOf('#');
                    Path target = hash == 0
                            ? page
                            : page.resolveSibling(to.substring(0, hash)).normalize();
                    String anchor = hash < to.length() ? to.substring(hash + 1) : "";
                    if (!Files.exists(target)) {
                        broken.add(page + ": there is no " + to);
                    } else if (!anchor.isEmpty() && !anchors(target, anchors).contains(anchor)) {
                        broken.add(page + ": there is no place " + to);
                    }
                }
            }
        }
        return broken;
    }

    private static Set<String> anchors(Path page, Map<Path, Set<String>> known) throws IOException {
        if (!known.containsKey(page)) {
            Set<String> found = new HashSet<>();
            for (Matcher anchor = ANCHOR.matcher(Files.readString(page)); anchor.find(); ) {
                found.add(unescaped(anchor.group(1)));
            }
            known.put(page, found);
        }
        return known.get(page);
    }

    private static String unescaped(String attribute) {
        return attribute
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&");
    }

    private static String module(Path descriptor) throws IOException {
        Matcher found = Pattern.compile("^module ([\\w.]+)", Pattern.MULTILINE).matcher(Files.readString(descriptor));
        if (!found.find()) {
            throw new IOException(descriptor + " describes no module");
        }
        return found.group(1);
    }
}
