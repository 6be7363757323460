using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Text;

namespace QuorumMesh.Deploy.Tests;

/// <summary>A page of docs/reference, written from a program's command line.</summary>
internal static class Reference
{
    /// <param name="introduction">What stands below the heading.</param>
    /// <param name="variable">The environment variable of an option, or null where it has none.</param>
    public static string Page(RootCommand root, string program, string introduction, Func<string, string?> variable)
    {
        var page = new StringBuilder();
        page.Append("<!-- Written from the program's own command line by `make reference`: change the program, not this page. -->\n");
        page.Append(CultureInfo.InvariantCulture, $"# {program}\n\n{introduction}\n");
        Write(page, root, program, [], variable);
        return page.ToString();
    }

    private static void Write(StringBuilder page, Command command, string path, HashSet<string> known, Func<string, string?> variable)
    {
        var options = command.Options.Where(o => !o.Hidden && !known.Contains(o.Name) && o.Name is not ("--help" or "--version")).ToList();
        if (command is not RootCommand)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {path}{string.Concat(command.Arguments.Select(a => $" {a.Name}"))}\n\n");
            page.Append(CultureInfo.InvariantCulture, $"{Wrapped(Sentence(command.Description))}\n");
            if (known.Count > 0 && command.Options.Any(o => known.Contains(o.Name)))
                page.Append(CultureInfo.InvariantCulture, $"The options of `{path.Split(' ')[0]}` itself are taken too.\n");
            Arguments(page, command);
        }
        Table(page, options, variable);
        // qmesh's root has none of its own; a service's are those of all its commands.
        var own = command is RootCommand ? options.Select(o => o.Name).ToHashSet() : known;
        foreach (var sub in command.Subcommands.Where(s => !s.Hidden)) Write(page, sub, $"{path} {sub.Name}", own, variable);
    }

    /// <summary>In lines as long as those of all prose here may be.</summary>
    private static string Wrapped(string text)
    {
        var (lines, line) = (new StringBuilder(), 0);
        foreach (var word in text.Split(' '))
        {
            var breaks = line > 0 && line + 1 + word.Length > 120;
            if (line > 0) lines.Append(breaks ? '\n' : ' ');
            line = breaks || line == 0 ? word.Length : line + 1 + word.Length;
            lines.Append(word);
        }
        return lines.ToString();
    }

    private static void Arguments(StringBuilder page, Command command)
    {
        if (command.Arguments.Count == 0) return;
        page.Append("\n| argument | |\n|---|---|\n");
        foreach (var argument in command.Arguments)
            page.Append(CultureInfo.InvariantCulture, $"| `{argument.Name}` | {Cell(Sentence(argument.Description))} |\n");
    }

    private static void Table(StringBuilder page, List<Option> options, Func<string, string?> variable)
    {
        if (options.Count == 0) return;
        var withVariables = options.Any(o => variable(o.Name) is not null);
        page.Append(withVariables ? "\n| option | variable | default | |\n|---|---|---|---|\n"
            : "\n| option | default | |\n|---|---|---|\n");
        foreach (var option in options.OrderBy(o => o.Name, StringComparer.Ordinal))
        {
            var names = string.Join(", ", option.Aliases.Order(StringComparer.Ordinal).Prepend(option.Name).Select(n => $"`{n}`"));
            var middle = withVariables ? $" {(variable(option.Name) is { } v ? $"`{v}`" : "")} |" : "";
            page.Append(CultureInfo.InvariantCulture,
                $"| {names} |{middle} {Default(option)} | {Cell(Sentence(option.Description))}{(option.Required ? " Required." : "")} |\n");
        }
    }

    private static string Default(Option option)
    {
        if (!option.HasDefaultValue) return "";
        var value = option.GetDefaultValue();
        var text = value switch
        {
            null or false or "" => "",
            true => "true",
            string s => s,
            IEnumerable many => string.Join(" ", many.Cast<object>()),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length > 1 && text.StartsWith(home, StringComparison.Ordinal)) text = "~" + text[home.Length..];
        return text.Length == 0 ? "" : $"`{text}`";
    }

    private static string Sentence(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return "";
        var trimmed = text.Trim();
        var first = trimmed[0];
        // A name of the command line keeps its letters; a sentence begins with a capital.
        var start = trimmed.Split(' ', ',')[0];
        var isWord = start.All(c => char.IsLower(c) || c == '-');
        return (isWord ? char.ToUpperInvariant(first) + trimmed[1..] : trimmed) + (trimmed[^1] is '.' or '?' ? "" : ".");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
