using System.CommandLine;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>
/// <c>quorummesh-node account</c>: accounts in key files, with geth's arguments and the two lines of its output that scripts
/// read.
/// </summary>
internal static class AccountCommands
{
    public static Command Create(NodeCommandLine settings)
    {
        var light = new Option<bool>("--lightkdf") { Description = "stretch the password with less work: for development" };
        var create = new Command("new",
            "make an account; the first line of --password is its password, without the flag it is asked for") { light };
        settings.AddTo(create);
        create.SetAction(result => New(settings.Read(result), result.GetValue(light)));
        var file = new Argument<string>("KEYFILE") { Description = "a private key: 64 hex digits" };
        var import = new Command("import", "make an account of a private key that is there") { file, light };
        settings.AddTo(import);
        import.SetAction(result => Import(settings.Read(result), result.GetValue(file)!, result.GetValue(light)));
        var list = new Command("list", "the accounts and their files");
        settings.AddTo(list);
        list.SetAction(result => List(settings.Read(result)));
        return new Command("account", "accounts in key files") { create, import, list };
    }

    private static int New(NodeSettings settings, bool light)
    {
        using var keystore = Open(settings, light);
        var account = keystore.NewAccount(Password(settings));
        Console.WriteLine();
        Console.WriteLine($"Public address of the key:   {account.ToChecksumString()}");
        Console.WriteLine($"Path of the secret key file: {keystore.FileOf(account)}");
        Console.WriteLine();
        Console.WriteLine("Keep the file and the password safe: without both the account is lost, and whoever has both owns it.");
        return HostRunner.Ok;
    }

    private static int Import(NodeSettings settings, string file, bool light)
    {
        using var keystore = Open(settings, light);
        using var key = ReadKey(file);
        try
        {
            Console.WriteLine($"Address: {{{Hex.ToHex(keystore.Import(key.Span, Password(settings)).ToArray(), prefix: false)}}}");
            return HostRunner.Ok;
        }
        catch (AccountException e)
        {
            throw new StartupException(e.Message);
        }
    }

    private static int List(NodeSettings settings)
    {
        using var keystore = Open(settings, light: false);
        foreach (var (index, account) in keystore.Accounts.Index())
            Console.WriteLine($"Account #{index}: {{{Hex.ToHex(account.ToArray(), prefix: false)}}} keystore://{keystore.FileOf(account)}");
        return HostRunner.Ok;
    }

    /// <summary>The directory is the one that the node reads with the same flags.</summary>
    private static KeystoreManager Open(NodeSettings settings, bool light) =>
        new(Path.GetFullPath(settings.KeystoreDirectory ?? new DataDirectory(settings.DataDirectory).Keystore),
            light ? ScryptParameters.Light : null);

    private static SecretBytes ReadKey(string file)
    {
        var text = File.ReadAllText(OptionRules.ExistingFile("KEYFILE", file)).Trim();
        return Hex.TryFromHex(text, out var key) && key.Length == 32 ? new SecretBytes(key)
            : throw new OptionsException("KEYFILE", $"'{file}' does not hold a private key (64 hex digits)");
    }

    private static string Password(NodeSettings settings)
    {
        if (settings.PasswordFile is { } file) return File.ReadLines(file).FirstOrDefault() ?? "";
        var password = Ask("Password: ");
        return Ask("Repeat password: ") == password ? password : throw new UsageException("the two passwords differ: nothing was made");
    }

    /// <summary>Typed on a terminal it is not shown; otherwise it is the next line of standard input.</summary>
    private static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        if (Console.IsInputRedirected)
            return Console.ReadLine()
            ?? throw new UsageException("no password on standard input: give it there twice, or name a file with --password");
        var typed = new System.Text.StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (key.KeyChar != '\0') typed.Append(key.KeyChar);
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
