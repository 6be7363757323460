using System.CommandLine;
using QuorumMesh.Enclave.Keys;

namespace QuorumMesh.Cli.Keys;

/// <summary><c>qmesh keys</c>: the keys of enclaves, in Tessera's files.</summary>
internal static class KeysCommands
{
    private const string KeyExtension = ".key";

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "FILE.key and FILE.pub are written; files that are there are left alone" };
        var password = new Option<string?>("--password-file")
        { Description = "its first line locks the key; without it the key is unlocked" };
        var create = new Command("new", "make a key pair for an enclave, as Tessera's -keygen writes it") { file, password };
        create.SetAction(result => New(result.GetValue(file)!, result.GetValue(password)));
        var command = new Command("keys", "keys of enclaves");
        command.Subcommands.Add(create);
        command.Subcommands.Add(Identity());
        RotationCommands.AddTo(command);
        PeerKeysCommands.AddTo(command);
        return command;
    }

    private static Command Identity()
    {
        var file = new Argument<string>("FILE") { Description = "FILE.key and FILE.pub are written; files that are there are left alone" };
        var password = new Option<string?>("--password-file")
        { Description = "its first line locks the key; without it the key is unlocked" };
        var identity = new Command("identity", "make an enclave's Ed25519 identity, which signs and outlives the keys that seal")
        {
            file, password,
        };
        identity.SetAction(result => MakeIdentity(result.GetValue(file)!, result.GetValue(password)));
        return identity;
    }

    private static int MakeIdentity(string file, string? passwordFile)
    {
        var path = BasePath(file);
        try
        {
            Console.WriteLine($"Identity: {IdentityFile.Generate(path, passwordFile)}");
            Console.WriteLine($"Name it in the enclave's configuration: \"keys\": {{\"identity\": {{\"privateKeyPath\": \"{path}.key\", "
                + $"\"publicKeyPath\": \"{path}.pub\"{(passwordFile is null ? "" : $", \"passwordFile\": \"{passwordFile}\"")}}}, …}}");
            return 0;
        }
        catch (KeyException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static string BasePath(string file)
    {
        var path = Path.GetFullPath(file.EndsWith(KeyExtension, StringComparison.Ordinal) ? file[..^KeyExtension.Length] : file);
        if (Path.GetFileName(path).Length == 0) throw new CommandException($"FILE '{file}' names no file: write for example keys/tm");
        return Directory.Exists(Path.GetDirectoryName(path)) ? path
            : throw new CommandException($"there is no directory {Path.GetDirectoryName(path)}: make it first");
    }

    private static int New(string file, string? passwordFile)
    {
        var path = BasePath(file);
        try
        {
            var key = passwordFile is null ? TesseraKeyFile.Generate(path) : TesseraKeyFile.GenerateLocked(path, passwordFile);
            Console.WriteLine($"Public key: {key}");
            Console.WriteLine(passwordFile is null
                ? $"{path}.key is not locked: whoever reads it has the key (--password-file locks a new one)"
                : $"{path}.key is locked: the enclave needs the password in the file that keys.passwordFile names");
            return 0;
        }
        catch (KeyException e)
        {
            throw new CommandException(e.Message);
        }
    }
}
