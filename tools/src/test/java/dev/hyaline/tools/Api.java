package dev.hyaline.tools;

import java.lang.reflect.AccessFlag;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The public surface of a library as text, one line for each type and member that its users can see. */
final class Api {
    /** Said by every class about itself, and by records and enums without being written. */
    private static final Set<String> UNSAID =
            Set.of("equals(Object)", "hashCode()", "toString()", "values()", "valueOf(String)");

    private Api() {}

    static String of(LibraryModule module) {
        StringBuilder text = new StringBuilder("module " + module.name() + "\n");
        for (Class<?> type : module.exportedTypes()) {
            text.append('\n').append(declaration(type)).append('\n');
            members(type)
                    .sorted()
                    .forEach(member -> text.append("  ").append(member).append('\n'));
        }
        return text.toString();
    }

    static boolean isSeen(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private static String declaration(Class<?> type) {
        List<String> words = new ArrayList<>();
        words.add(Modifier.toString(type.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)));
        if (Modifier.isStatic(type.getModifiers()) && !type.isRecord() && !type.isInterface() && !type.isEnum()) {
            words.add("static");
        }
        if (type.isSealed()) {
            words.add("sealed");
        }
        if (!type.isInterface() && !type.isRecord() && !type.isEnum()) {
            words.add(Modifier.toString(type.getModifiers() & (Modifier.ABSTRACT | Modifier.FINAL)));
        }
        words.add(kind(type));
        words.add(name(type.getName()) + variables(type.getTypeParameters()) + components(type));
        Type parent = type.getGenericSuperclass();
        if (parent != null && !Set.of(Object.class, Record.class).contains(type.getSuperclass()) && !type.isEnum()) {
            words.add("extends " + name(parent.getTypeName()));
        }
        if (type.getInterfaces().length > 0) {
            words.add((type.isInterface() ? "extends " : "implements ") + list(type.getGenericInterfaces()));
        }
        if (type.isSealed()) {
            words.add("permits " + list(type.getPermittedSubclasses()));
        }
        return words.stream().filter(word -> !word.isEmpty()).collect(Collectors.joining(" "));
    }

    private static String kind(Class<?> type) {
        if (type.isAnnotation()) {
            return "@interface";
        }
        if (type.isInterface()) {
            return "interface";
        }
        return type.isRecord() ? "record" : type.isEnum() ? "enum" : "class";
    }

    private static String components(Class<?> type) {
        if (!type.isRecord()) {
            return "";
        }
        return Arrays.stream(type.getRecordComponents())
                .map(part -> name(part.getGenericType().getTypeName()) + " " + part.getName())
                .collect(Collectors.joining(", ", "(", ")"));
    }

    private static Stream<String> members(Class<?> type) {
        Stream<String> fields = Stream.of(type.getDeclaredFields())
                .filter(field -> isSeen(field.getModifiers()) && !field.isSynthetic())
                .map(Api::field);
        Stream<String> constructors = Stream.of(type.getDeclaredConstructors())
                .filter(constructor -> isSeen(constructor.getModifiers()) && !constructor.isSynthetic())
                .map(Api::constructor);
        Stream<String> methods = Stream.of(type.getDeclaredMethods())
                .filter(method -> isSeen(method.getModifiers()) && !method.isSynthetic())
                .filter(method -> !UNSAID.contains(signature(method)))
                .map(Api::method);
        return Stream.of(fields, constructors, methods).flatMap(member -> member);
    }

    private static String field(Field field) {
        return field.isEnumConstant()
                ? "constant " + field.getName()
                : join(
                        "field",
                        modifiers(field.getModifiers()),
                        name(field.getGenericType().getTypeName()),
                        field.getName());
    }

    private static String constructor(Constructor<?> constructor) {
        return join(
                "constructor",
                modifiers(constructor.getModifiers()),
                variables(constructor.getTypeParameters()),
                signature(constructor),
                thrown(constructor));
    }

    private static String method(Method method) {
        return join(
                "method",
                modifiers(method.getModifiers() & ~Modifier.FINAL),
                method.isDefault() ? "default" : "",
                variables(method.getTypeParameters()),
                name(method.getGenericReturnType().getTypeName()),
                signature(method),
                thrown(method));
    }

    private static String signature(Executable called) {
        String parameters = list(called.getGenericParameterTypes());
        if (called.accessFlags().contains(AccessFlag.VARARGS)) {
            parameters = parameters.substring(0, parameters.length() - "[]".length()) + "...";
        }
        String name =
                called instanceof Constructor<?> ? called.getDeclaringClass().getSimpleName() : called.getName();
        return name + "(" + parameters + ")";
    }

    private static String thrown(Executable called) {
        return called.getExceptionTypes().length == 0 ? "" : "throws " + list(called.getGenericExceptionTypes());
    }

    private static String modifiers(int modifiers) {
        return Modifier.toString(
                modifiers & (Modifier.PROTECTED | Modifier.STATIC | Modifier.ABSTRACT | Modifier.FINAL));
    }

    private static String variables(TypeVariable<?>[] variables) {
        return variables.length == 0
                ? ""
                : Stream.of(variables).map(Api::variable).collect(Collectors.joining(", ", "<", ">"));
    }

    private static String variable(TypeVariable<?> variable) {
        return variable.getBounds()[0] == Object.class
                ? variable.getName()
                : variable.getName() + " extends " + list(variable.getBounds()).replace(", ", " & ");
    }

    private static String list(Type[] types) {
        return Stream.of(types).map(type -> name(type.getTypeName())).collect(Collectors.joining(", "));
    }

    private static String name(String full) {
        return full.replaceAll("\\bjava\\.lang\\.(?=[A-Z])", "");
    }

    private static String join(String... words) {
        return Stream.of(words).filter(word -> !word.isEmpty()).collect(Collectors.joining(" "));
    }
}
