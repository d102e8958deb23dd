package dev.hyaline.tools;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A library of this checkout, as its module-info.java describes it. The one on devices is left out: it is built only
 * where TornadoVM is.
 *
 * @param name of the module, which is also its first package
 * @param folder of its pom.xml
 * @param exportedPackages those exported to everybody, in order
 * @param nullMarked whether its types are non-null unless they say otherwise
 */
record LibraryModule(String name, Path folder, List<String> exportedPackages, boolean nullMarked) {
    private static final Pattern MODULE = Pattern.compile("^(@NullMarked\\s+)?module ([\\w.]+) \\{", Pattern.MULTILINE);
    private static final Pattern EXPORTS = Pattern.compile("^ +exports ([\\w.]+);", Pattern.MULTILINE);
    private static final Path ROOT = Path.of("..");
    private static final String DESCRIPTOR = "src/main/java/module-info.java";

    /** All of them, by name. */
    static List<LibraryModule> all() {
        return folders(ROOT).stream()
                .flatMap(folder -> Stream.concat(Stream.of(folder), folders(folder).stream()))
                .filter(folder -> !folder.endsWith("engine/tornado") && Files.isRegularFile(folder.resolve(DESCRIPTOR)))
                .sorted()
                .map(LibraryModule::in)
                .toList();
    }

    /** Those in a folder that no other test writes into meanwhile. */
    private static List<Path> folders(Path parent) {
        try (Stream<Path> files = Files.list(parent)) {
            return files.filter(file -> !file.endsWith("target") && Files.isDirectory(file))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The public and protected types of the exported packages, nested ones too, by name. */
    List<Class<?>> exportedTypes() {
        List<Class<?>> found = new ArrayList<>();
        for (String exported : exportedPackages) {
            try (Stream<Path> files = Files.list(sources(exported))) {
                files.map(file -> file.getFileName().toString())
                        .filter(name -> name.endsWith(".java") && !name.equals("package-info.java"))
                        .sorted()
                        .forEach(name -> add(type(exported + "." + name.replace(".java", "")), found));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    Path sources(String packageName) {
        return folder.resolve("src/main/java").resolve(packageName.replace('.', '/'));
    }

    private static LibraryModule in(Path folder) {
        try {
            String descriptor = Files.readString(folder.resolve(DESCRIPTOR));
            Matcher module = MODULE.matcher(descriptor);
            if (!module.find()) {
                throw new AssertionError("no module in " + folder.resolve(DESCRIPTOR));
            }
            List<String> exported = EXPORTS.matcher(descriptor)
                    .results()
                    .map(found -> found.group(1))
                    .sorted()
                    .toList();
            return new LibraryModule(module.group(2), folder, exported, module.group(1) != null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void add(Class<?> type, List<Class<?>> found) {
        if (!Api.isSeen(type.getModifiers())) {
            return;
        }
        found.add(type);
        Stream.of(type.getDeclaredClasses())
                .sorted((one, other) -> one.getName().compareTo(other.getName()))
                .forEach(nested -> add(nested, found));
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name, false, LibraryModule.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }
}
