using Microsoft.EntityFrameworkCore.Migrations;

namespace QuorumMesh.TxManager.Storage.Model;

/// <summary>
/// A step of the schema in plain statements: EF's operations cannot leave a table of Tessera's alone that is there already.
/// </summary>
public abstract class StatementMigration(IReadOnlyList<string> up, IReadOnlyList<string> down) : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => Run(migrationBuilder, up);

    protected override void Down(MigrationBuilder migrationBuilder) => Run(migrationBuilder, down);

    private static void Run(MigrationBuilder migrationBuilder, IReadOnlyList<string> statements)
    {
        foreach (var statement in statements)
            migrationBuilder.Sql(statement);
    }
}
