using System.Data.Common;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>
/// A connection with the statements that were asked on it: SQLite runs in this process, where making a statement takes longer than running
/// it. One user at a time.
/// </summary>
internal sealed class PreparedReader(DbConnection connection) : IDisposable
{
    private readonly Dictionary<string, DbCommand> _commands = [];
    private bool _isOpen;

    /// <param name="sql">With parameters @p0, @p1 …; one of a few texts that do not change.</param>
    public async ValueTask<DbCommand> CommandAsync(string sql, object[] values, CancellationToken cancel)
    {
        if (!_isOpen)
            await connection.OpenAsync(cancel).ConfigureAwait(false);
        _isOpen = true;
        if (!_commands.TryGetValue(sql, out var command))
            _commands[sql] = command = Make(sql, values.Length);
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];
        return command;
    }

    public void Dispose()
    {
        foreach (var command in _commands.Values)
            command.Dispose();
        connection.Dispose();
    }

    private DbCommand Make(string sql, int parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
